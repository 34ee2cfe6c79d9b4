/** The sheet of keys. */
import { useController } from "./context";
import { Icon } from "./icons";
import { COMMANDS, GESTURES } from "./keys";
import { useUi } from "./ui";

const NAMES: Record<string, string> = {
  arrowleft: "←", arrowright: "→", arrowup: "↑", arrowdown: "↓", escape: "Esc", delete: "Delete", backspace: "Backspace", enter: "Enter", ctrl: "Ctrl", shift: "Shift", alt: "Alt", f2: "F2",
};

const spelled = (combo: string): string[] =>
  (combo === "+" ? ["+"] : combo.split("+")).map((part) => NAMES[part] ?? (part.length === 1 ? part.toUpperCase() : part));

export function Keys() {
  const { ui } = useController();
  const controller = useController();
  const open = useUi(ui, (state) => state.keys);
  if (!open) return null;
  const groups = [...new Set(COMMANDS.map((command) => command.group))];
  const close = (): void => {
    ui.set({ keys: false });
    controller.focus();
  };
  return (
    <div className="keys popup" role="dialog" aria-label="Keys">
      <div className="keys-head"><b>Keys</b><button type="button" className="close" aria-label="Close" onClick={close} ref={(element) => element?.focus({ preventScroll: true })}><Icon name="close" /></button></div>
      <div className="keys-columns">
        {groups.map((group) => (
          <section key={group}>
            <h4>{group}</h4>
            {COMMANDS.filter((command) => command.group === group).map((command) => (
              <p key={command.label}>
                <span>{command.keys.filter((key) => key !== "=").slice(0, 2).map((key) => <kbd key={key}>{command.keys.length > 3 ? (key.includes("+") ? `${spelled(key)[0]} + arrows` : "arrows") : spelled(key).join(" + ")}</kbd>).slice(0, command.keys.length > 3 ? 1 : 2)}</span>
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
