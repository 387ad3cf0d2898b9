// Line drawings and colours of the shop's categories.

const DRAWINGS = {
  Phones: "M8 3h8a1.5 1.5 0 0 1 1.5 1.5v15A1.5 1.5 0 0 1 16 21H8a1.5 1.5 0 0 1-1.5-1.5v-15A1.5 1.5 0 0 1 8 3zM11 18h2",
  Audio: "M4.5 15v-2.5a7.5 7.5 0 0 1 15 0V15M4.5 14.5H7a1 1 0 0 1 1 1V19a1 1 0 0 1-1 1H6a1.5 1.5 0 0 1-1.5-1.5zM19.5 14.5H17a1 1 0 0 0-1 1V19a1 1 0 0 0 1 1h1a1.5 1.5 0 0 0 1.5-1.5z",
  Computers: "M5.5 5h13A1.5 1.5 0 0 1 20 6.5V15H4V6.5A1.5 1.5 0 0 1 5.5 5zM2.5 18.5h19",
  Kitchen: "M5 10h12v4a5 5 0 0 1-5 5h-2a5 5 0 0 1-5-5zM17 11h1.5a2 2 0 0 1 0 5H17M8 3.5v3M11 3.5v3M14 3.5v3",
  Groceries: "M12 8c-2-2-7-1.5-7 4 0 5 3.5 8.5 5.5 8.5.8 0 1-.5 1.5-.5s.7.5 1.5.5c2 0 5.5-3.5 5.5-8.5 0-5.5-5-6-7-4zM12 8c0-2 1-4 3-4.5",
  Home: "M5 12V8.5A2.5 2.5 0 0 1 7.5 6h9A2.5 2.5 0 0 1 19 8.5V12M3.5 12.5A1.5 1.5 0 0 1 6.5 13v2h11v-2a1.5 1.5 0 0 1 3 0V18h-17zM6 18v2M18 18v2",
  Women: "M9 3.5v3L12 9l3-2.5v-3M9 6.5 7.5 12H10l-3.5 8.5h11L14 12h2.5L15 6.5",
  Men: "M8 4 4 7l2 4 2-1v10h8V10l2 1 2-4-4-3a4 4 0 0 1-8 0z",
  Sports: "M4 9v6M7 7v10M17 7v10M20 9v6M7 12h10",
  Outdoors: "M12 4.5 3 19.5h18zM12 12l-3.5 7.5M12 12l3.5 7.5",
  Books: "M5 5.5A1.5 1.5 0 0 1 6.5 4H18v13H6.5A1.5 1.5 0 0 0 5 18.5zM5 18.5A1.5 1.5 0 0 0 6.5 20H18v-3M9 8h5",
  Family: "M4 13h7v7H4zM13 13h7v7h-7zM8.5 4h7v7h-7z",
};
const BAG = "M6 8h12l-1 12H7zM9 8a3 3 0 0 1 6 0";
const CATEGORIES = Object.keys(DRAWINGS);

export function draw(svg, item) {
  svg.innerHTML = `<path d="${DRAWINGS[item.category] ?? BAG}"/>`;
}

// A hue of the category's own, and near it one of the subcategory's.
export function hue(item) {
  const of = Math.max(0, CATEGORIES.indexOf(item.category)) * (360 / CATEGORIES.length);
  return Math.round(of + (hash(item.subcategory) % 19) - 9);
}

export function hash(text) {
  let found = 7;
  for (const character of text) found = (found * 31 + character.codePointAt(0)) % 100003;
  return found;
}
