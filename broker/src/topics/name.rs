//! Says which topic names are legal.

/// The longest topic name; it must still fit into a directory name with a partition number after it.
const MAX_LENGTH: usize = 249;

/// Checks a name as Kafka does.
///
/// # Errors
/// With the reason in words.
pub(crate) fn check_name(name: &str) -> Result<(), String> {
    if name.is_empty() {
        return Err("the empty string is not allowed".to_owned());
    }
    if name == "." || name == ".." {
        return Err(format!("'{name}' is not allowed"));
    }
    if name.len() > MAX_LENGTH {
        return Err(format!(
            "the length of '{name}' is longer than the max allowed length {MAX_LENGTH}"
        ));
    }
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if name.bytes().all(legal) {
        return Ok(());
    }
    Err(format!(
        "'{name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'"
    ))
}

/// Whether two names differ only in dots and underscores. Kafka's metrics cannot tell such topics apart, so it refuses
/// the second of them.
pub(crate) fn collides(one: &str, other: &str) -> bool {
    let blur = |byte: u8| if byte == b'.' { b'_' } else { byte };
    one.len() == other.len() && one.bytes().map(blur).eq(other.bytes().map(blur))
}

#[cfg(test)]
mod tests {
    use super::{check_name, collides};

    #[test]
    fn dots_and_underscores_do_not_tell_topics_apart() {
        assert!(collides("a.b_c", "a_b.c"));
        assert!(!collides("a.b", "a-b") && !collides("a.b", "a.b."));
    }

    #[test]
    fn names_that_kafka_takes_are_taken() {
        for name in [
            "a",
            "orders.eu-1_x",
            "__consumer_offsets",
            "...",
            &"n".repeat(249),
        ] {
            assert_eq!(check_name(name), Ok(()), "{name}");
        }
    }

    #[test]
    fn names_that_could_leave_the_data_directory_are_refused() {
        for name in [
            "",
            ".",
            "..",
            "a/b",
            "a\\b",
            "a b",
            "é",
            "a\0",
            &"n".repeat(250),
        ] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }
}
