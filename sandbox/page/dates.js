// Times as Slack words them, in the reader's own time zone. `ts` is Slack's: seconds as a decimal string.

const LOCALE = "en-US";
const DAY_MS = 86_400_000;

const shape = (options) => new Intl.DateTimeFormat(LOCALE, options);
const TIME = shape({ hour: "numeric", minute: "2-digit" });
const TIME_SECONDS = shape({ hour: "numeric", minute: "2-digit", second: "2-digit" });
const MONTH = shape({ month: "long" });
const MONTH_SHORT = shape({ month: "short" });
const WEEKDAY = shape({ weekday: "long" });
const FULL = shape({ dateStyle: "full", timeStyle: "medium" });

const dateOf = (ts) => new Date(Number(ts) * 1000);
const midnight = (date) => new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
const two = (number) => String(number).padStart(2, "0");

/** 3:07 PM */
export function clock(ts) {
  return TIME.format(dateOf(ts));
}

/** Everything down to the second, for tooltips. */
export function fullTime(ts) {
  return FULL.format(dateOf(ts));
}

/** A name for the day that is equal for two times of one day. */
export function dayKey(ts) {
  return midnight(dateOf(ts));
}

function nth(day) {
  const ending = day % 100 >= 11 && day % 100 <= 13 ? "th" : (["th", "st", "nd", "rd"][day % 10] ?? "th");
  return `${day}${ending}`;
}

function pretty(date, otherwise) {
  const days = Math.round((midnight(new Date()) - midnight(date)) / DAY_MS);
  return { 0: "today", 1: "yesterday", "-1": "tomorrow" }[days] ?? otherwise;
}

/** Today, Yesterday, Monday, November 23rd: the divider between days. */
export function dayLabel(ts) {
  const date = dateOf(ts);
  const label = pretty(date, `${WEEKDAY.format(date)}, ${MONTH.format(date)} ${nth(date.getDate())}`);
  return label[0].toUpperCase() + label.slice(1);
}

/** 5 minutes ago; in 2 hours. */
export function ago(ts) {
  const seconds = Number(ts) - Date.now() / 1000;
  const units = [["day", 86_400], ["hour", 3600], ["minute", 60]];
  const [unit, size] = units.find(([, length]) => Math.abs(seconds) >= length) ?? ["second", 1];
  return new Intl.RelativeTimeFormat(LOCALE, { numeric: "auto" }).format(Math.round(seconds / size), unit);
}

/** A `<!date^…>` format string with its tokens filled in. */
export function formatDate(ts, format) {
  const date = dateOf(ts);
  if (Number.isNaN(date.getTime())) return null;
  const year = date.getFullYear();
  const plain = `${MONTH.format(date)} ${nth(date.getDate())}, ${year}`;
  const short = `${MONTH_SHORT.format(date)} ${date.getDate()}, ${year}`;
  const long = `${WEEKDAY.format(date)}, ${plain}`;
  const tokens = {
    date_num: `${year}-${two(date.getMonth() + 1)}-${two(date.getDate())}`,
    date_slash: `${two(date.getMonth() + 1)}/${two(date.getDate())}/${year}`,
    date: plain,
    date_short: short,
    date_long: long,
    date_pretty: pretty(date, plain),
    date_short_pretty: pretty(date, short),
    date_long_pretty: pretty(date, long),
    time: clock(ts),
    time_secs: TIME_SECONDS.format(date),
    ago: ago(ts),
  };
  return format.replace(/\{(\w+)\}/g, (token, name) => tokens[name] ?? token);
}

/** The value of an `<input type="datetime-local">` for seconds since the epoch. */
export function toLocalInput(seconds) {
  const date = dateOf(seconds);
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day}T${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** Seconds since the epoch for the value of an `<input type="datetime-local">`, or null. */
export function fromLocalInput(value) {
  const time = new Date(value).getTime();
  return Number.isNaN(time) ? null : Math.floor(time / 1000);
}
