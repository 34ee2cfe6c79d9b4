/** The sheet of keys. */
import { useEffect, useRef } from "react";
import { useController } from "./context";
import { Icon } from "./icons";
import { COMMANDS, GESTURES, type Command } from "./keys";
import { trap } from "./menus";
import { useUi } from "./ui";

const NAMES: Record<string, string> = {
  arrowleft: "←", arrowright: "→", arrowup: "↑", arrowdown: "↓", escape: "Esc", delete: "Delete", backspace: "Backspace", enter: "Enter", f6: "F6", ctrl: "Ctrl", shift: "Shift", alt: "Alt", f2: "F2", f10: "F10", contextmenu: "Menu",
};

const spelled = (combo: string): string[] =>
  (combo === "+" ? ["+"] : combo.split("+")).map((part) => NAMES[part] ?? (part.length === 1 ? part.toUpperCase() : part));

/** The keys of a command as the sheet has them; four arrows are one. */
export function keysOf({ keys }: Pick<Command, "keys">): string[] {
  const said = keys.filter((key) => key !== "=").map((key) => spelled(key).join(" + ").replace(/[←→↑↓]$/, "arrows"));
  return [...new Set(said)];
}

export function Keys() {
  const { ui } = useController();
  const controller = useController();
  const open = useUi(ui, (state) => state.keys);
  // Where the focus was, it comes back to.
  const before = useRef<Element | null>(null);
  useEffect(() => {
    if (!open) return undefined;
    return () => {
      if (before.current instanceof HTMLElement && before.current.isConnected) before.current.focus({ preventScroll: true });
      else controller.focus();
    };
  }, [open, controller]);
  if (!open) return null;
  const groups = [...new Set(COMMANDS.map((command) => command.group))];
  const close = (): void => ui.set({ keys: false });
  return (
    <div className="keys popup" role="dialog" aria-modal="true" aria-label="Keys" onKeyDown={(event) => {
      trap(event);
      if (event.key === "Escape" || event.key === "?") close();
      // What is read of here is not done behind it.
      if (event.key !== "Enter" && event.key !== " ") event.stopPropagation();
    }}>
      <div className="keys-head"><b>Keys</b><button type="button" className="close" aria-label="Close" onClick={close} ref={(element) => {
        const active = (element?.getRootNode() as ShadowRoot | undefined)?.activeElement ?? null;
        if (!element || element === active) return;
        before.current = active;
        element.focus({ preventScroll: true });
      }}><Icon name="close" /></button></div>
      <div className="keys-columns">
        {groups.map((group) => (
          <section key={group}>
            <h4>{group}</h4>
            {COMMANDS.filter((command) => command.group === group).map((command) => (
              <p key={command.label}>
                <span>{keysOf(command).map((key) => <kbd key={key}>{key}</kbd>)}</span>
                {command.label}
              </p>
            ))}
          </section>
        ))}
        <section>
          <h4>Mouse and touch</h4>
          {GESTURES.map(([how, what]) => <p key={how}><span><kbd>{how}</kbd></span>{what}</p>)}
        </section>
      </div>
    </div>
  );
}
