// The texts of Streamlit's own elements, which has them in English only, in the language of the page. They are messages
// of the catalogue as Streamlit writes them; braces stand for its values. Each has the place in which it is looked for,
// so that titles, names and the texts of our own elements stay as they are.
const STREAMLIT_TEXTS = {
  "[data-testid=stTopNavSection]": [marked("{count} more")],
  "[data-testid=stSidebarNav]": [marked("View {count} more"), marked("View less")],
  "[data-testid=stFileUploader]": [marked("Upload"), marked("Drag and drop a file here"), marked("Drag and drop files here"),
    marked("{type} files are not allowed."), marked("File must be {size} or smaller."), marked("File size is too small."), marked("Only one file is allowed."),
    marked("Unexpected error. Please try again."), marked("Error:"), marked("{size}")],
  "[role=listbox], [data-testid=stMultiSelect], [data-testid=stSelectbox]": [marked("No results"), marked("Select all"), marked("Select {count} matches")],
  "[data-testid=stTooltipContent], [role=tooltip]": [marked("Fullscreen"), marked("Close fullscreen"), marked("Download as CSV"), marked("Search"), marked("Show/hide columns"),
    marked("File must be {size} or smaller."), marked("{type} files are not allowed.")],
  "[data-testid^=stDataFrameColumn]": [marked("Sort ascending"), marked("Sort descending"), marked("Statistics"), marked("Format"), marked("Autosize"),
    marked("Pin column"), marked("Unpin column"), marked("Hide column"), marked("Select all"), marked("Automatic"), marked("Localized"), marked("Plain"), marked("Compact"),
    marked("Dollar"), marked("Euro"), marked("Yen"), marked("Percent"), marked("Scientific"), marked("Accounting"), marked("Duration"), marked("Distance"), marked("Calendar")],
  "[data-testid=stDataFrameStatisticsContent]": [marked("Values"), marked("Empty"), marked("Distinct"), marked("Minimum"), marked("Maximum"), marked("Average"), marked("Median"),
    marked("Standard deviation"), marked("Sum"), marked("Range"), marked("Minimum length"), marked("Maximum length"), marked("Average length"), marked("Based on sample"), marked("No data")],
};
const STREAMLIT_LABELS = [marked("Add files"), marked("Remove {name}"), marked("Cancel upload of {name}"), marked("Click to retry upload"), marked("Open"), marked("Clear all"),
  marked("Clear value"), marked("Clear entry"), marked("Selected values"), marked("Show password"), marked("Hide password"), marked("Close"), marked("App pages"), marked("Sidebar"), marked("Expand sidebar"), marked("Collapse sidebar"),
  marked("Navigate to home page"), marked("Notifications"), marked("Scroll tabs left"), marked("Scroll tabs right"), marked("Copy to clipboard"), marked("Link to heading"),
  marked("Help for {name}"), marked("Fullscreen"), marked("Fullscreen: {name}"), marked("Close fullscreen"), marked("Close fullscreen: {name}"), marked("Download as CSV"),
  marked("Download as CSV: {name}"), marked("Search"), marked("Search: {name}"), marked("Show/hide columns"), marked("Show/hide columns: {name}"), marked("Copy column name"),
  marked("Dataframe column menu"), marked("Close Search"), marked("Next Result"), marked("Previous Result")];

const VALUES = { count: "\\d+", size: "\\d[\\d.]*[KMGT]?B", type: "[\\w./+-]*", name: ".+" };
const SIZE = /^(\d[\d.]*)([KMGT]?B)$/;
const ATTRIBUTES = ["aria-label", "title"];

// A function from a text of Streamlit to the same text in the language of the page, or to null.
const spoken = (messages) => {
  const known = messages.map((message) => {
    const pattern = message.replace(/[.()?*+/]/g, "\\$&").replace(/\{(\w+)\}/g, (_, name) => `(?<${name}>${VALUES[name]})`);
    return [new RegExp(`^${pattern}$`), message];
  });
  return (text) => {
    for (const [pattern, message] of known) {
      const found = pattern.exec(text);
      if (!found) continue;
      const values = { ...found.groups }, size = SIZE.exec(values.size ?? "");
      if (size) values.size = `${number(Number(size[1]))} ${size[2]}`;
      return translated(message, values);
    }
    return null;
  };
};

const speakForStreamlit = () => {
  window.__segueSpoken?.disconnect();
  if (LANGUAGE === "en") return;
  const places = Object.entries(STREAMLIT_TEXTS).map(([place, messages]) => [place, spoken(messages)]), label = spoken(STREAMLIT_LABELS);
  const speak = () => {
    for (const [place, words] of places) for (const element of document.querySelectorAll(place)) {
      const texts = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
      while (texts.nextNode()) {
        const node = texts.currentNode, text = node.data.trim(), other = text && words(text);
        if (other && other !== text) node.data = node.data.replace(text, () => other);
      }
    }
    for (const name of ATTRIBUTES) for (const element of document.querySelectorAll(`[${name}]`)) {
      const other = label(element.getAttribute(name));
      if (other && other !== element.getAttribute(name)) element.setAttribute(name, other);
    }
  };
  window.__segueSpoken = new MutationObserver(speak);
  window.__segueSpoken.observe(document.body, { childList: true, subtree: true, characterData: true, attributes: true, attributeFilter: ATTRIBUTES });
  speak();
};
