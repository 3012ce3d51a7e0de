// Times as Slack words them, in the reader's own time zone. `ts` is Slack's: seconds as a decimal string.

const DAY_MS = 86_400_000;
const DAYS = {
  en: { 0: "today", 1: "yesterday", "-1": "tomorrow" },
  zh: { 0: "今天", 1: "昨天", "-1": "明天" },
};

let locale, time, timeSeconds, month, monthShort, weekday, full, chinese;

/** Words times in another language of Slack from now on. */
export function speak(language = "en-US") {
  if (locale === language) return;
  locale = language;
  chinese = locale.startsWith("zh");
  const shape = (options) => new Intl.DateTimeFormat(locale, options);
  time = shape({ hour: chinese ? "2-digit" : "numeric", minute: "2-digit" });
  timeSeconds = shape({ hour: chinese ? "2-digit" : "numeric", minute: "2-digit", second: "2-digit" });
  month = shape({ month: "long" });
  monthShort = shape({ month: "short" });
  weekday = shape({ weekday: "long" });
  full = shape({ dateStyle: "full", timeStyle: "medium" });
}
speak();

const dateOf = (ts) => new Date(Number(ts) * 1000);
const midnight = (date) => new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
const two = (number) => String(number).padStart(2, "0");

/** 3:07 PM */
export function clock(ts) {
  return time.format(dateOf(ts));
}

/** Everything down to the second, for tooltips. */
export function fullTime(ts) {
  return full.format(dateOf(ts));
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
  return DAYS[chinese ? "zh" : "en"][days] ?? otherwise;
}

/** Today, Yesterday, Monday, November 23rd: the divider between days. */
export function dayLabel(ts) {
  const date = dateOf(ts);
  const day = chinese ? `${month.format(date)}${date.getDate()}日 ${weekday.format(date)}` : `${weekday.format(date)}, ${month.format(date)} ${nth(date.getDate())}`;
  const label = pretty(date, day);
  return label[0].toUpperCase() + label.slice(1);
}

/** 5 minutes ago; in 2 hours. */
export function ago(ts) {
  const seconds = Number(ts) - Date.now() / 1000;
  const units = [["day", 86_400], ["hour", 3600], ["minute", 60]];
  const [unit, size] = units.find(([, length]) => Math.abs(seconds) >= length) ?? ["second", 1];
  return new Intl.RelativeTimeFormat(locale, { numeric: "auto" }).format(Math.round(seconds / size), unit);
}

/** A `<!date^…>` format string with its tokens filled in. */
export function formatDate(ts, format) {
  const date = dateOf(ts);
  if (Number.isNaN(date.getTime())) return null;
  const year = date.getFullYear();
  const zh = `${year}年${date.getMonth() + 1}月${date.getDate()}日`;
  const plain = chinese ? zh : `${month.format(date)} ${nth(date.getDate())}, ${year}`;
  const short = chinese ? zh : `${monthShort.format(date)} ${date.getDate()}, ${year}`;
  const long = chinese ? `${zh} ${weekday.format(date)}` : `${weekday.format(date)}, ${plain}`;
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
    time_secs: timeSeconds.format(date),
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
