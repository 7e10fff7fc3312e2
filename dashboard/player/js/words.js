// Texts in the language of the page. WORDS and LANGUAGE stand before this script (player/texts.py); messages are
// literals in double quotes, so that the command `docs texts` finds them. Numbers among the values are written as the
// language does.
const FORMATS = { en: "en-GB" };
const SPOKEN = FORMATS[LANGUAGE] ?? LANGUAGE;
const RULES = new Intl.PluralRules(SPOKEN);

document.documentElement.lang = LANGUAGE;
document.cookie = `segue_language=${LANGUAGE}; path=/; max-age=31536000; samesite=lax`; // for the routes

const number = (value, options) => new Intl.NumberFormat(SPOKEN, options).format(value);
const percent = (share) => number(share, { style: "percent", maximumFractionDigits: 0 });

const filled = (text, values) => text.replace(/\{(\w+)\}/g, (whole, name) =>
  (Object.hasOwn(values, name) ? (typeof values[name] === "number" ? number(values[name]) : String(values[name])) : whole));

const marked = (message) => message; // a message that is translated where it is shown, by `translated`
const translated = (message, values = {}) => filled(WORDS[message] ?? message, values);
const gettext = translated;
const pgettext = (context, message, values = {}) => filled(WORDS[`${context}\u0004${message}`] ?? message, values);
// A message about a number of things, which its braces call `count`.
const ngettext = (one, several, count, values = {}) => {
  const rule = RULES.select(count), forms = WORDS[one];
  return filled(forms ? forms[rule] ?? forms.other : rule === "one" ? one : several, { count, ...values });
};
