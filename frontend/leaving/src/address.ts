/**
 * The navigation leads to an address without the open project, which Python then names in it: Streamlit
 * makes that a second entry of the history, and Back would stay on the page. Here it completes the first.
 */
const PROJECT = "project";

export function nameProjectInPlace(): void {
  const push = history.pushState.bind(history);
  history.pushState = (data, unused, url) => {
    const next = url === undefined || url === null ? null : new URL(url, location.href);
    const named = next?.pathname === location.pathname && next.searchParams.has(PROJECT);
    if (named && !new URLSearchParams(location.search).has(PROJECT)) history.replaceState(data, unused, url);
    else push(data, unused, url);
  };
}
