//! Finds what somebody probably meant to write.

/// The candidate that is nearest to `written`, if any is near enough to be meant.
pub(super) fn nearest<'a>(
    written: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let lower = written.to_lowercase();
    let distance = |other: &str| strsim::damerau_levenshtein(&lower, &other.to_lowercase());
    let near = candidates.into_iter().map(|other| (distance(other), other));
    let (distance, found) = near.min_by_key(|(distance, _)| *distance)?;
    (distance <= 1 + written.chars().count() / 3).then_some(found)
}

/// "; did you mean ...?", or nothing.
pub(super) fn hint<'a>(written: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    nearest(written, candidates)
        .map(|meant| format!("; did you mean \"{meant}\"?"))
        .unwrap_or_default()
}
