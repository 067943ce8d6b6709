//! Reads the names of APIs and of errors, as Kafka's documentation writes them.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::ApiKey;

use super::answer::Wrong;
use super::suggest::hint;
use crate::api::VERSIONS;

/// Where the numbers of errors end; later ones have no name yet.
const LAST_ERROR: i16 = 200;

/// An API of the broker, by its name in any case, such as `Produce`.
pub(super) fn api(written: &str) -> Result<ApiKey, Wrong> {
    let names: Vec<(String, ApiKey)> = {
        let all = VERSIONS.iter();
        all.map(|(api, _, _)| (format!("{api:?}"), *api)).collect()
    };
    let found = names
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(written));
    found.map(|(_, api)| *api).ok_or_else(|| {
        let hint = hint(written, names.iter().map(|(name, _)| name.as_str()));
        Wrong::new(format!("the broker has no API \"{written}\"{hint}"))
    })
}

/// An error by its name, such as `NOT_LEADER_OR_FOLLOWER` or `NotLeaderOrFollower`.
pub(super) fn error(written: &str) -> Result<ResponseError, Wrong> {
    let plain = written.replace('_', "");
    let found = errors().find(|(name, _)| name.replace('_', "").eq_ignore_ascii_case(&plain));
    found.map(|(_, error)| error).ok_or_else(|| {
        let names: Vec<String> = errors().map(|(name, _)| name).collect();
        let hint = hint(written, names.iter().map(String::as_str));
        Wrong::new(format!("Kafka has no error \"{written}\"{hint}"))
    })
}

/// The name of an error's number in Kafka's spelling, if it has one.
pub(super) fn error_name(code: i16) -> Option<String> {
    errors()
        .find(|(_, error)| error.code() == code)
        .map(|(name, _)| name)
}

fn errors() -> impl Iterator<Item = (String, ResponseError)> {
    let known = (-1..=LAST_ERROR).filter_map(ResponseError::try_from_code);
    known
        .filter(|error| !matches!(error, ResponseError::Unknown(_)))
        .map(|error| (screaming(&format!("{error:?}")), error))
}

/// `NotLeader` as `NOT_LEADER`.
fn screaming(camel: &str) -> String {
    let mut name = String::with_capacity(camel.len() + 8);
    for letter in camel.chars() {
        if letter.is_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.extend(letter.to_uppercase());
    }
    name
}

#[cfg(test)]
mod tests {
    use super::{api, error, error_name};

    #[test]
    fn errors_are_read_in_both_spellings_and_written_as_kafka_does() {
        for written in [
            "NOT_LEADER_OR_FOLLOWER",
            "NotLeaderOrFollower",
            "not_leader_or_follower",
        ] {
            assert_eq!(
                error(written).map(|it| it.code()).ok(),
                Some(6),
                "{written}"
            );
        }
        assert_eq!(error_name(56).as_deref(), Some("KAFKA_STORAGE_ERROR"));
        assert_eq!(error_name(-1).as_deref(), Some("UNKNOWN_SERVER_ERROR"));
        assert_eq!((error_name(0), error_name(199)), (None, None));
    }

    #[test]
    fn a_slip_of_the_pen_is_answered_with_the_name() {
        let wrong = api("Prodcue").expect_err("no such API").to_string();
        assert!(wrong.contains("\"Produce\""), "{wrong}");
        let wrong = error("NOT_LEADER_OR_FOLOWER").expect_err("no such error");
        assert!(wrong.to_string().contains("\"NOT_LEADER_OR_FOLLOWER\""));
    }
}
