//! Reads Java's `.properties` syntax into settings that know their lines.

/// One setting as it stands in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) value: String,
    /// The line that it begins on, from 1.
    pub(super) line: usize,
}

/// A line that is not as the syntax wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Malformed {
    pub(super) line: usize,
    /// What is wrong, and what to write instead.
    pub(super) what: &'static str,
}

/// White space of the syntax (`java.util.Properties.load`); line breaks are not part of it.
const BLANK: [char; 3] = [' ', '\t', '\x0c'];

/// The settings of a file in their order, those that are written twice included.
pub(super) fn read(text: &str) -> Result<Vec<Entry>, Malformed> {
    let lines = logical_lines(text).into_iter();
    lines.map(|(line, text)| entry(line, &text)).collect()
}

/// The bytes of a file as text. Java reads Latin-1 where kmirror's files are UTF-8; what is no UTF-8 is taken for the former.
pub(super) fn decode(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| {
        let bytes = error.into_bytes();
        bytes.into_iter().map(char::from).collect()
    })
}

/// Lines without blank ones and comments, each with those that continue it, and where it begins.
fn logical_lines(text: &str) -> Vec<(usize, String)> {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut natural = text.split('\n').zip(1..);
    let mut lines = Vec::new();
    while let Some((line, number)) = natural.next() {
        let mut line = line.trim_start_matches(BLANK).to_owned();
        if line.is_empty() || line.starts_with(['#', '!']) {
            continue;
        }
        while is_continued(&line) {
            line.pop();
            let Some((more, _)) = natural.next() else {
                break;
            };
            line.push_str(more.trim_start_matches(BLANK));
        }
        lines.push((number, line));
    }
    lines
}

/// Whether the last backslash stands for itself: an even number of them are escaped ones.
fn is_continued(line: &str) -> bool {
    let without = line.trim_end_matches('\\');
    !(line.len() - without.len()).is_multiple_of(2)
}

fn entry(line: usize, text: &str) -> Result<Entry, Malformed> {
    let mut rest = text.chars().peekable();
    let malformed = |what| Malformed { line, what };
    let is_end = |character: char| BLANK.contains(&character) || matches!(character, '=' | ':');
    let key = unescaped(&mut rest, is_end).map_err(malformed)?;
    let skip_blank = |rest: &mut Characters<'_>| {
        while rest
            .next_if(|character| BLANK.contains(character))
            .is_some()
        {}
    };
    skip_blank(&mut rest);
    if rest
        .next_if(|character| matches!(character, '=' | ':'))
        .is_some()
    {
        skip_blank(&mut rest);
    }
    let value = unescaped(&mut rest, |_| false).map_err(malformed)?;
    Ok(Entry { key, value, line })
}

type Characters<'a> = std::iter::Peekable<std::str::Chars<'a>>;

/// The text up to the first character that is an end and not escaped, which stays.
fn unescaped(
    rest: &mut Characters<'_>,
    is_end: impl Fn(char) -> bool,
) -> Result<String, &'static str> {
    // In UTF-16, since that is what `\u` writes: two of them may be one character.
    let mut units = Vec::new();
    while let Some(character) = rest.next_if(|character| !is_end(*character)) {
        let plain = match character {
            '\\' => match rest.next() {
                Some('u') => {
                    units.push(hexadecimal(rest)?);
                    continue;
                }
                Some('t') => '\t',
                Some('n') => '\n',
                Some('r') => '\r',
                Some('f') => '\x0c',
                Some(other) => other,
                None => break,
            },
            other => other,
        };
        units.extend_from_slice(plain.encode_utf16(&mut [0; 2]));
    }
    String::from_utf16(&units).map_err(|_| {
        "has one half of a surrogate pair in a `\\u` escape; write both halves, or the character itself"
    })
}

fn hexadecimal(rest: &mut Characters<'_>) -> Result<u16, &'static str> {
    let mut value = 0;
    for _ in 0..4 {
        let digit = rest.next().and_then(|digit| digit.to_digit(16));
        let digit = digit
            .ok_or("has a `\\u` without four hexadecimal digits behind it; write a backslash that is meant as one as `\\\\`")?;
        value = value * 16 + digit;
    }
    Ok(u16::try_from(value).expect("four hexadecimal digits fit"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pairs(text: &str) -> Vec<(String, String, usize)> {
        let entries = read(text).expect("a well-formed file").into_iter();
        entries
            .map(|entry| (entry.key, entry.value, entry.line))
            .collect()
    }

    #[test]
    fn keys_and_values_are_parted_as_in_java() {
        for (text, key, value) in [
            ("a=b", "a", "b"),
            ("a = b", "a", "b"),
            ("a:b", "a", "b"),
            ("a b", "a", "b"),
            ("a\tb", "a", "b"),
            ("  a  :  b", "a", "b"),
            ("a", "a", ""),
            ("a=", "a", ""),
            ("=b", "", "b"),
            ("a = = b", "a", "= b"),
            ("a b = c", "a", "b = c"),
            ("a=b ", "a", "b "),
            ("a=b # no comment", "a", "b # no comment"),
            ("A->B.enabled = true", "A->B.enabled", "true"),
            (r"a\=b\:c\ d = e", "a=b:c d", "e"),
            (r"a = b\=c\:d", "a", "b=c:d"),
            (r"a = \t\n\r\f\q", "a", "\t\n\r\x0cq"),
            (r"a = \\d", "a", "\\d"),
            (r"a = \u00e9\uD83D\uDE00", "a", "é😀"),
            (r"\u0061 = b", "a", "b"),
            ("a = b\\", "a", "b"),
        ] {
            assert_eq!(pairs(text), [(key.into(), value.into(), 1)], "{text}");
        }
    }

    #[test]
    fn lines_are_joined_and_comments_left_out() {
        let text = "# one\n  ! two \\\n\na = 1,\\\n   2,\\\r\n\t# 3\rb = \\\\\nc=\\\n\nd=4";
        let expected = [
            ("a", "1,2,# 3", 4),
            ("b", "\\", 7),
            ("c", "", 8),
            ("d", "4", 10),
        ];
        let expected = expected.map(|(key, value, line)| (key.into(), value.into(), line));
        assert_eq!(pairs(text), expected);
    }

    #[test]
    fn a_wrong_escape_is_told_with_its_line() {
        for text in ["\n\na = \\u12g4", "\n\na = \\u12", "\n\n\\uD83D = b"] {
            let malformed = read(text).unwrap_err();
            assert_eq!(malformed.line, 3, "{text}");
            assert!(malformed.what.contains("; write "), "{}", malformed.what);
        }
    }

    #[test]
    fn what_is_no_utf8_is_latin1() {
        assert_eq!(decode(b"a=\xe9".to_vec()), "a=é");
        assert_eq!(decode("a=é".into()), "a=é");
    }

    /// As `java.util.Properties.store` writes it.
    fn escaped(text: &str) -> String {
        let escape = |character: char| match character {
            '=' | ':' | '#' | '!' | ' ' | '\\' => format!("\\{character}"),
            '\n' => "\\n".into(),
            '\r' => "\\r".into(),
            '\t' => "\\t".into(),
            '\x0c' => "\\f".into(),
            other => other.into(),
        };
        text.chars().map(escape).collect()
    }

    proptest! {
        #[test]
        fn what_java_writes_is_read_back(entries in prop::collection::vec((".{1,12}", ".{0,12}"), 0..6)) {
            let write = |(key, value): &(String, String)| format!("{}={}\n", escaped(key), escaped(value));
            let text: String = entries.iter().map(write).collect();
            let read: Vec<_> = pairs(&text).into_iter().map(|(key, value, _)| (key, value)).collect();
            prop_assert_eq!(read, entries);
        }

        #[test]
        fn any_text_is_read_or_told(text in "[a-c=:\\\\u0-9\n# ]{0,40}") {
            if let Err(malformed) = read(&text) {
                prop_assert!(malformed.line >= 1);
            }
        }
    }
}
