//! Matches names against patterns with `*` and `?`.

/// Whether `text` is what `pattern` describes: `*` stands for anything, also nothing, `?` for one character.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut in_text) = (0, 0);
    // Where the last star was, and the text it stands for so far ends: the place to come back to.
    let mut star: Option<(usize, usize)> = None;
    while in_text < text.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, in_text));
                at += 1;
            }
            Some(wanted) if *wanted == '?' || *wanted == text[in_text] => {
                at += 1;
                in_text += 1;
            }
            _ => {
                let Some((star_at, covered)) = star else {
                    return false;
                };
                star = Some((star_at, covered + 1));
                at = star_at + 1;
                in_text = covered + 1;
            }
        }
    }
    pattern[at..].iter().all(|rest| *rest == '*')
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_stands_for_anything_and_a_question_mark_for_one_character() {
        for (pattern, text) in [
            ("kmirror-*", "kmirror-a"),
            ("kmirror-*", "kmirror-"),
            ("*", ""),
            ("a?c", "abc"),
            ("*b*c", "abbcbc"),
            ("plain", "plain"),
            ("**x", "x"),
        ] {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [
            ("kmirror-*", "kmirror"),
            ("a?c", "ac"),
            ("plain", "plainer"),
            ("", "a"),
            ("*b", "abc"),
            ("a.c", "abc"),
        ] {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }
}
