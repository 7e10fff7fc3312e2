// The texts in the language of the page: ../js/words.js, which stands before the engine in the script of the bar.
declare function gettext(message: string, values?: Record<string, string | number>): string;
declare function ngettext(one: string, several: string, count: number, values?: Record<string, string | number>): string;
