/** Layerwise's graph view: draws DOT in the browser, to look at, move about in, and take along. */
import type { FrontendRenderer } from "@streamlit/component-v2-lib";
import { View, type Data, type State } from "./view";

const views = new WeakMap<Element, View>();

const render: FrontendRenderer<State, Data> = ({ data, parentElement, setStateValue }) => {
  const host = parentElement.querySelector<HTMLElement>(".graph-view");
  if (!host) return;
  let view = views.get(host);
  if (!view) {
    view = new View(host);
    views.set(host, view);
  }
  view.onSelect = (node) => setStateValue("node", node);
  view.show(data);
  const shown = view;
  return () => {
    // Streamlit may run a stale clean-up while the element lives on: leave only when it is gone.
    setTimeout(() => {
      if (!host.isConnected) {
        shown.close();
        views.delete(host);
      }
    });
  };
};

export default render;
