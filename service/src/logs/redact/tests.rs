//! Against published numbers, and against all that generators can make.

use super::*;
use proptest::prelude::*;

/// Numbers that payment services publish for tests.
const CARDS: [&str; 9] = [
    "4111 1111 1111 1111",
    "4111-1111-1111-1111",
    "5555555555554444",
    "378282246310005",
    "3782 822463 10005",
    "6011111111111117",
    "30569309025904",
    "6200 0000 0000 0005",
    "４１１１１１１１１１１１１１１１",
];

/// As people write them; the numbers are those that their countries keep for films and examples, or have the form alone.
const PHONES: [&str; 26] = [
    "13812345678",
    "138 1234 5678",
    "138-1234-5678",
    "+86 138 1234 5678",
    "+8613812345678",
    "0086 13812345678",
    "86-13812345678",
    "１３８１２３４５６７８",
    "010-12345678",
    "(0755) 8123 4567",
    "400-800-1234",
    "+1 (555) 010-0199",
    "+1-212-555-0199",
    "(212) 555-0199",
    "212.555.0199",
    "+44 20 7946 0958",
    "07700 900123",
    "+49 (0)30 23125 000",
    "+33 1 99 00 12 34",
    "01 99 00 12 34",
    "06 12 34 56 78",
    "06.12.34.56.78",
    "0033 6 10 20 30 40",
    "612 34 56 78",
    "+32 470 10 20 30",
    "+81 90-1234-5678",
];

#[test]
fn published_numbers_and_addresses_are_replaced_wherever_they_stand() {
    let emails =
        ["a@b.co", "first.last+tag@mail.example.com", "13812345678@qq.com", "李雷@例子.中国", "x_y＠example.org"];
    let all = CARDS.map(|card| (card, CARD)).into_iter();
    let all = all.chain(PHONES.map(|phone| (phone, PHONE))).chain(emails.map(|email| (email, EMAIL)));
    for (secret, word) in all {
        for (before, after) in [("", ""), ("shoes for ", ", please"), ("电话", " 谢谢"), ("tel:", "\n"), ("(", ")")]
        {
            let redacted = redact(&format!("{before}{secret}{after}")).into_owned();
            // A parenthesis before a number may be its own.
            let expected = [format!("{before}{word}{after}"), format!("{word}{after}")];
            assert!(expected.contains(&redacted), "{before}{secret}{after}: {redacted}");
        }
    }
}

#[test]
fn several_in_a_text_are_each_replaced() {
    let text = "给 13812345678 or li@example.com, card 4111 1111 1111 1111 12/27 123";
    assert_eq!(redact(text), "给 [phone] or [e-mail], card [card] 12/27 123");
}

#[test]
fn what_shops_are_asked_for_stays() {
    for text in [
        "iphone 15 pro max 256gb",
        "手机 1299.00 元",
        "2024-01-15",
        "b08n5wrwnw",
        "1920x1080 144hz 27\"",
        "price < 1,299.99 & > 999",
        "me @ home",
        "@handle",
        "5 @ 3.50",
        "a@b",
        "12.5 x 10.2 x 33.1",
        "10 x 20 x 30",
        "10x20x30 cm",
        "120 × 200 × 25",
        "sizes 36 37 38 39 40 41 42 43",
        "36 37 38 39 40 41 42 43 44 45",
        "36/37/38/39/40/41",
        "36-37-38-39-40-41",
        "34 36 38 40 42 44 46",
        "46 44 42 40 38 36 34",
        "85 90 95 100 105 110",
        "10 25 32 36 41 50",
        "sheets 100 120 140 160 180",
        "100 200 300 400 500 600",
        "2019 2020 2021 2022",
        "36.5 37 37.5 38 38.5 39 39.5 40",
        "",
    ] {
        assert_eq!(redact(text), text);
    }
}

/// The check digit that makes these digits a card number, by the sum that each has with it.
fn with_check(mut digits: Vec<u8>) -> Vec<u8> {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(at, &digit)| {
            let weighted = u32::from(digit) * if at % 2 == 0 { 2 } else { 1 };
            weighted / 10 + weighted % 10
        })
        .sum();
    digits.push(((10 - sum % 10) % 10) as u8);
    digits
}

/// Digits in groups of that length, apart by the separator.
fn grouped(digits: &[u8], length: usize, separator: &str) -> String {
    let group = |group: &[u8]| group.iter().map(ToString::to_string).collect::<String>();
    digits.chunks(length).map(group).collect::<Vec<_>>().join(separator)
}

proptest! {
    #[test]
    fn every_card_number_is_replaced(
        // The networks' own.
        first in 2u8..=6,
        rest in prop::collection::vec(0u8..10, 11..=17),
        length in prop::sample::select(vec![4usize, 19]),
        separator in prop::sample::select(vec![" ", "-"]),
        before in "[a-zA-Z手机 ,:]{0,12}",
        after in "[a-zA-Z手机,:]{0,12}",
    ) {
        let card = with_check([first].into_iter().chain(rest).collect());
        // A last group of one digit is no way to write one.
        prop_assume!(length == 19 || card.len() % 4 != 1);
        let text = format!("{before}{}{after}", grouped(&card, length, separator));
        prop_assert_eq!(redact(&text), format!("{before}[card]{after}"));
    }

    #[test]
    fn every_chinese_mobile_number_is_replaced(
        second in 3u8..10,
        rest in prop::collection::vec(0u8..10, 9),
        country in prop::sample::select(vec!["", "+86", "+86 ", "0086", "0086-", "86 "]),
        form in 0usize..4,
        before in "[a-z手机 ，：]{0,12}",
        after in "[a-z手机，：]{0,12}",
    ) {
        let digits: Vec<u8> = [1, second].into_iter().chain(rest).collect();
        let number = match form {
            0 => grouped(&digits, 11, ""),
            1 => format!("{}-{}", grouped(&digits[..3], 3, ""), grouped(&digits[3..], 4, "-")),
            2 => format!("{} {}", grouped(&digits[..3], 3, ""), grouped(&digits[3..], 4, " ")),
            _ => grouped(&digits, 11, "").chars().map(|c| char::from_u32(c as u32 - '0' as u32 + '０' as u32).expect("a digit")).collect(),
        };
        let text = format!("{before}{country}{number}{after}");
        prop_assert_eq!(redact(&text), format!("{before}[phone]{after}"));
    }

    #[test]
    fn every_international_number_is_replaced(
        country in prop::sample::select(vec![1u32, 33, 44, 49, 61, 81, 82, 86, 91, 852, 886, 971]),
        groups in prop::collection::vec("[0-9]{2,4}", 2..=3),
        separator in prop::sample::select(vec![" ", "-", "."]),
        sign in prop::sample::select(vec!["+", "00"]),
    ) {
        let digits = country.to_string().len() + groups.iter().map(String::len).sum::<usize>();
        prop_assume!((7..=12).contains(&digits));
        let text = format!("call {sign}{country}{separator}{} now", groups.join(separator));
        prop_assert_eq!(redact(&text), "call [phone] now");
    }

    #[test]
    fn every_email_address_is_replaced(
        email in "[a-z0-9][a-z0-9._%+-]{0,20}@[a-z0-9][a-z0-9-]{0,10}(\\.[a-z0-9]{1,8})?\\.[a-z]{2,6}",
        before in "([a-z手机 ]{0,12}[ :：，])?",
        after in "([ ,，；][a-z手机 ]{0,12})?",
    ) {
        let text = format!("{before}{email}{after}");
        prop_assert_eq!(redact(&text), format!("{before}[e-mail]{after}"));
    }

    #[test]
    fn any_text_can_be_redacted_and_once_is_enough(text in "([0-9 +().@-]|[a-z]|手|é|\\PC){0,60}") {
        let once = redact(&text).into_owned();
        prop_assert_eq!(redact(&once), once.clone());
    }

    #[test]
    fn texts_of_few_digits_and_no_address_stay(text in "[a-zA-Z手机é .,;:!-]{0,40}[0-9]{0,6}[a-zA-Z手机é .,;:!-]{0,40}") {
        prop_assert_eq!(redact(&text), text.as_str());
    }
}
