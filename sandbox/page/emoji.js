// Emoji shortcodes as Slack spells them, and the characters they stand for.

const TABLE = `
white_check_mark ✅|heavy_check_mark ✔️|ballot_box_with_check ☑️|x ❌|negative_squared_cross_mark ❎|warning ⚠️|no_entry ⛔|no_entry_sign 🚫
octagonal_sign 🛑|exclamation ❗|heavy_exclamation_mark ❗|question ❓|grey_question ❔|bangbang ‼️|information_source ℹ️|hourglass ⌛
hourglass_flowing_sand ⏳|stopwatch ⏱️|alarm_clock ⏰|ice_cube 🧊|clock1 🕐|clock3 🕒|watch ⌚|crescent_moon 🌙|timer_clock ⏲️|calendar 📆|date 📅|ring_buoy 🛟|spiral_calendar_pad 🗓️
large_green_circle 🟢|green_circle 🟢|large_yellow_circle 🟡|large_orange_circle 🟠|red_circle 🔴|large_red_circle 🔴|large_blue_circle 🔵|large_purple_circle 🟣
white_circle ⚪|black_circle ⚫|large_brown_circle 🟤|large_green_square 🟩|large_yellow_square 🟨|large_red_square 🟥|large_blue_square 🟦
white_large_square ⬜|black_large_square ⬛|small_red_triangle 🔺|small_red_triangle_down 🔻|small_blue_diamond 🔹|small_orange_diamond 🔸
arrow_right ➡️|arrow_left ⬅️|arrow_up ⬆️|arrow_down ⬇️|arrows_counterclockwise 🔄|arrows_clockwise 🔃|repeat 🔁|leftwards_arrow_with_hook ↩️
arrow_forward ▶️|double_vertical_bar ⏸️|pause_button ⏸️|black_square_for_stop ⏹️|stop_button ⏹️|fast_forward ⏩|rewind ⏪|eject ⏏️|zap ⚡|electric_plug 🔌
battery 🔋|bulb 💡|fire 🔥|rocket 🚀|gear ⚙️|wrench 🔧|hammer 🔨|hammer_and_wrench 🛠️|nut_and_bolt 🔩|link 🔗|scales ⚖️|paperclip 📎|pushpin 📌|round_pushpin 📍
lock 🔒|unlock 🔓|closed_lock_with_key 🔐|key 🔑|old_key 🗝️|shield 🛡️|mag 🔍|mag_right 🔎|eyes 👀|bell 🔔|no_bell 🔕|loudspeaker 📢|mega 📣|rotating_light 🚨
computer 💻|desktop_computer 🖥️|keyboard ⌨️|printer 🖨️|floppy_disk 💾|cd 💿|dvd 📀|minidisc 💽|package 📦|inbox_tray 📥|outbox_tray 📤|file_folder 📁
open_file_folder 📂|card_index_dividers 🗂️|page_facing_up 📄|page_with_curl 📃|clipboard 📋|memo 📝|pencil 📝|pencil2 ✏️|scroll 📜|bookmark 🔖|books 📚|bar_chart 📊
chart_with_upwards_trend 📈|chart_with_downwards_trend 📉|wastebasket 🗑️|camera 📷|camera_with_flash 📸|globe_with_meridians 🌐|earth_asia 🌏|satellite_antenna 📡
cloud ☁️|sunny ☀️|snowflake ❄️|thermometer 🌡️|house 🏠|office 🏢|factory 🏭|moneybag 💰|credit_card 💳|gem 💎|robot_face 🤖|robot 🤖|wave 👋|+1 👍|thumbsup 👍
-1 👎|thumbsdown 👎|ok_hand 👌|raised_hands 🙌|raised_hand ✋|hand ✋|pray 🙏|clap 👏|muscle 💪|point_right 👉|point_left 👈|point_up ☝️|point_down 👇|tada 🎉|sparkles ✨
star ⭐|star2 🌟|heart ❤️|broken_heart 💔|100 💯|smile 😄|smiley 😃|grinning 😀|slightly_smiling_face 🙂|joy 😂|wink 😉|thinking_face 🤔|cry 😢|sob 😭
sweat_smile 😅|scream 😱|sunglasses 😎|sleeping 😴|zzz 💤|skull 💀|ghost 👻|boom 💥|bomb 💣|construction 🚧|vertical_traffic_light 🚦|checkered_flag 🏁
triangular_flag_on_post 🚩|label 🏷️|ticket 🎫|speech_balloon 💬|thought_balloon 💭|bust_in_silhouette 👤|busts_in_silhouette 👥|crown 👑|trophy 🏆|new 🆕|sos 🆘
free 🆓|ok 🆗|up 🆙|id 🆔|recycle ♻️|heavy_plus_sign ➕|heavy_minus_sign ➖|end 🔚|soon 🔜|dart 🎯|game_die 🎲|snake 🐍|penguin 🐧|whale 🐳|turtle 🐢|bug 🐛
one 1️⃣|two 2️⃣|three 3️⃣|four 4️⃣|five 5️⃣|six 6️⃣|seven 7️⃣|eight 8️⃣|nine 9️⃣|zero 0️⃣|keycap_ten 🔟|hash #️⃣
`;

const EMOJI = new Map(
  TABLE.trim()
    .split(/[|\n]/)
    .map((pair) => pair.split(" ")),
);

/** The character for a shortcode without colons, or undefined. A skin tone is left out. */
export function emoji(name) {
  return EMOJI.get(name.split("::")[0]);
}

/** `text` with its shortcodes replaced. */
export function withEmoji(text) {
  return text.replace(/:([a-z0-9_+-]+):(?::?skin-tone-\d:)?/g, (code, name) => emoji(name) ?? code);
}
