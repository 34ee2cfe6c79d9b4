/** A name being edited where it stands. */
import { useController } from "./context";

/** As many characters as a project keeps: builder/graph/names.py. */
const MOST_NAME = 64;

export function Rename({ id, name }: { id: string; name: string }) {
  const { store, ui } = useController();
  const controller = useController();
  const done = (text: string, keep: boolean, byKey = false): void => {
    if (ui.state.editing !== id) return;
    ui.set({ editing: null });
    const wanted = text.trim();
    if (keep && wanted && wanted !== name) {
      store.dispatch({ op: "rename", node: id, name: wanted });
      ui.say(`${name} is now called ${wanted}`);
    }
    if (byKey) controller.focusNode(id);
  };
  return (
    <input
      className="rename nodrag" aria-label={`New name of ${name}`} maxLength={MOST_NAME} defaultValue={name} size={Math.max(6, name.length)} spellCheck={false}
      ref={(element) => {
        if (!element) return;
        requestAnimationFrame(() => {
          element.focus();
          element.select();
        });
      }}
      onBlur={(event) => done(event.currentTarget.value, true)}
      onDoubleClick={(event) => event.stopPropagation()}
      onKeyDown={(event) => {
        event.stopPropagation();
        if (event.key === "Enter") done(event.currentTarget.value, true, true);
        if (event.key === "Escape") done("", false, true);
      }}
    />
  );
}
