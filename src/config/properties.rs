//! Which librdkafka properties may be passed through under `client`.
//!
//! Those of `refused` may not. Whatever librdkafka does not know, or takes no such value for, is refused as well: a slip
//! would otherwise change nothing, silently.

use rdkafka::ClientConfig;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaConfRes;

use super::refused::rule_for;
use super::scalar::{Fault, Scalar};
use super::yaml::Text;

/// The value of a property: text, a number, true or false.
pub(super) struct PropertyValue(pub(super) String);

impl Scalar for PropertyValue {
    const WHAT: &'static str = "text";
    const FORM: &'static str = "a value such as `\"true\"` or `\"5000\"`";
    const UNQUOTED: bool = true;

    fn parse(text: &str) -> Result<Self, Fault> {
        Ok(Self(text.to_owned()))
    }
}

/// Whether `property` may be passed through with `value`.
pub(super) fn check(property: &str, value: &Text) -> Result<(), Fault> {
    if let Some(rule) = rule_for(property) {
        return Err(Fault::new(
            format!("is refused: {}", rule.because),
            rule.instead,
        ));
    }
    ClientConfig::new()
        .set(property, &value.value)
        .create_native_config()
        .map(drop)
        .map_err(|error| native_fault(&error, value))
}

fn native_fault(error: &KafkaError, value: &Text) -> Fault {
    match error {
        KafkaError::ClientConfig(RDKafkaConfRes::RD_KAFKA_CONF_UNKNOWN, ..) => Fault::new(
            "is not a property of librdkafka",
            "correct the name after librdkafka's CONFIGURATION.md, or remove it",
        ),
        KafkaError::ClientConfig(_, why, ..) if value.visible => Fault::new(
            format!("is refused by librdkafka ({why})"),
            "correct the value",
        ),
        _ => Fault::new("is refused by librdkafka", "correct the value"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(property: &str, value: &str) -> Result<(), String> {
        check(property, &Text::visible(value)).map_err(|fault| fault.why)
    }

    #[test]
    fn what_no_promise_rests_on_passes() {
        for (property, value) in [
            ("client.rack", "a"),
            ("socket.keepalive.enable", "true"),
            ("session.timeout.ms", "30000"),
            ("socket.timeout.ms", "20000"),
            ("compression.level", "3"),
            ("check.crcs", "true"),
            ("debug", "broker,topic"),
            ("ssl.cipher.suites", "TLS_AES_128_GCM_SHA256"),
        ] {
            assert_eq!(verdict(property, value), Ok(()), "{property}");
        }
    }

    #[test]
    fn unknown_names_and_values_are_refused() {
        assert_eq!(
            verdict("socket.keepalive", "true"),
            Err("is not a property of librdkafka".into())
        );
        let why = verdict("socket.timeout.ms", "soon").unwrap_err();
        assert!(why.starts_with("is refused by librdkafka ("), "{why}");
        let hidden = Text {
            value: "soon".into(),
            visible: false,
        };
        assert_eq!(
            check("socket.timeout.ms", &hidden).unwrap_err().why,
            "is refused by librdkafka"
        );
        assert!(verdict("nul\0", "true").is_err());
    }
}
