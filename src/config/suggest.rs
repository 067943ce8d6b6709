//! Finds the word that was probably meant.

/// The candidate nearest to `word`, when at most one letter in three differs.
pub(super) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let allowed = (word.chars().count() / 3).max(1);
    let lower = word.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| {
            (
                strsim::damerau_levenshtein(&lower, &candidate.to_lowercase()),
                candidate,
            )
        })
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// `did you mean …?` where one candidate is near, and the list of all where none is.
pub(super) fn remedy(word: &str, candidates: &[&str], all: &str) -> String {
    match nearest(word, candidates.iter().copied()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("{all} {}", quoted(candidates)),
    }
}

/// The words in back quotes, separated by commas.
pub(super) fn quoted(words: &[&str]) -> String {
    let words: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_understood_and_another_word_is_not() {
        let keys = ["topics", "target_topic", "compression"];
        for (word, meant) in [
            ("topcis", Some("topics")),
            ("Topics", Some("topics")),
            ("compresion", Some("compression")),
            ("targetTopic", Some("target_topic")),
            ("brokers", None),
            ("x", None),
        ] {
            assert_eq!(nearest(word, keys), meant, "{word}");
        }
    }
}
