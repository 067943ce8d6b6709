//! Asks for many changes in one request, each with an outcome of its own.

use std::collections::HashMap;

use rdkafka_sys::types::RDKafkaRespErr;

use super::Failure;

/// What became of one change.
pub type Outcome = Result<(), Failure>;

/// Prepares a native request for each of `wanted`, sends those that could be prepared together, and puts each answer in
/// the place of what was wanted. The answers bear names, since a broker may give them in another order.
pub(super) fn outcomes<W, R>(
    wanted: &[W],
    name: impl Fn(&W) -> &str,
    prepare: impl Fn(&W) -> Result<R, Failure>,
    ask: impl FnOnce(&[R]) -> Result<HashMap<String, Outcome>, Failure>,
) -> Result<Vec<Outcome>, Failure> {
    let mut requests = Vec::with_capacity(wanted.len());
    let prepared: Vec<Outcome> = wanted
        .iter()
        .map(|one| prepare(one).map(|request| requests.push(request)))
        .collect();
    let mut answers = match requests.is_empty() {
        true => HashMap::new(),
        false => ask(&requests)?,
    };
    let outcomes = wanted.iter().zip(prepared).map(|(one, prepared)| {
        let answer = answers.remove(name(one));
        prepared.and_then(|()| answer.unwrap_or_else(left_out))
    });
    Ok(outcomes.collect())
}

fn left_out() -> Outcome {
    Err(Failure::of(RDKafkaRespErr::RD_KAFKA_RESP_ERR__BAD_MSG))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_wanted_change_has_its_own_outcome_whatever_the_order_of_the_answers() {
        let wanted = ["a", "bad", "b", "c"];
        let prepare = |one: &&str| match *one {
            "bad" => Err(Failure::invalid("unusable")),
            good => Ok(good.to_owned()),
        };
        let ask = |requests: &[String]| {
            assert_eq!(requests, ["a", "b", "c"]);
            let refused = Err(Failure::invalid("refused"));
            Ok(HashMap::from([
                ("b".to_owned(), refused),
                ("a".to_owned(), Ok(())),
            ]))
        };
        let found = outcomes(&wanted, |one| one, prepare, ask).expect("it was asked");
        let words = |index: usize| found[index].as_ref().map_err(|failure| &*failure.message);
        assert_eq!(words(0), Ok(&()));
        assert_eq!(words(1), Err("unusable"));
        assert_eq!(words(2), Err("refused"));
        assert!(
            found[3].is_err(),
            "what is left out of the answer did not happen"
        );
    }

    #[test]
    fn nothing_is_sent_when_nothing_can_be() {
        let prepare = |_: &&str| Err::<(), _>(Failure::invalid("unusable"));
        let found = outcomes(
            &["a"],
            |one| one,
            prepare,
            |_| unreachable!("nothing to ask"),
        );
        assert!(found.expect("nothing was asked")[0].is_err());
    }
}
