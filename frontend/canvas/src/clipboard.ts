/** The system's clipboard: how copied layers get onto it as text, and what is told from other text. */

/** How a piece of a network begins as text; all else on a clipboard stays in the browser. */
const BEGIN = '{"layerwise_fragment"';
/** More is not sent: Python refuses it too. */
const LONGEST = 4_000_000;

export const isFragment = (text: string): boolean => text.trimStart().startsWith(BEGIN);

/** Why a text cannot be pasted on the canvas, "" where it can be tried. */
export function refusal(text: string): string {
  if (!isFragment(text)) return "The clipboard holds no layers. Copy some on a canvas first.";
  return text.length > LONGEST ? "The clipboard holds too much to paste here. Save it as a project instead." : "";
}

/**
 * Puts a text that is still on its way onto the clipboard; false where the browser gives none.
 * Called from a key or a click itself: browsers ask for that.
 */
export async function put(text: Promise<string>): Promise<boolean> {
  const wanted = async (): Promise<Blob> => {
    const said = await text;
    if (!said) throw new Error("nothing to copy");
    return new Blob([said], { type: "text/plain" });
  };
  try {
    await navigator.clipboard.write([new ClipboardItem({ "text/plain": wanted() })]);
    return true;
  } catch {
    const said = await text.catch(() => "");
    return said !== "" && putByCommand(said);
  }
}

/** The old way: a page that did not come over https has no other. */
function putByCommand(text: string): boolean {
  const area = document.createElement("textarea");
  area.value = text;
  area.style.cssText = "position:fixed;left:-9999px";
  let before = document.activeElement;
  while (before?.shadowRoot?.activeElement) before = before.shadowRoot.activeElement;
  document.body.append(area);
  area.select();
  try {
    return document.execCommand("copy");
  } catch {
    return false;
  } finally {
    area.remove();
    if (before instanceof HTMLElement) before.focus({ preventScroll: true });
  }
}
