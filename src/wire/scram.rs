//! SCRAM as Kafka speaks it: RFC 5802 without channel binding.
//!
//! Names and passwords go as the bytes that they are: Kafka applies no SASLprep, unlike the libraries for it.

use openssl::base64;
use openssl::error::ErrorStack;
use openssl::hash::{MessageDigest, hash};
use openssl::memcmp;
use openssl::pkcs5::pbkdf2_hmac;
use openssl::pkey::PKey;
use openssl::sign::Signer;

/// Nobody to act for, and no channel binding: the header of the first message, and what the last one repeats of it.
const HEADER: &str = "n,,";

/// Most rounds that a broker may ask for: some seconds of one core. Kafka's own limit is 16,384.
const MOST_ROUNDS: usize = 1_000_000;

/// One authentication.
pub(super) struct Scram {
    digest: MessageDigest,
    /// The first message without its header.
    first: String,
    nonce: String,
    /// By which the broker shows that it knows the password, too.
    server_signature: Vec<u8>,
}

impl Scram {
    /// Begins one, with a nonce of its own.
    pub(super) fn new(digest: MessageDigest, username: &str) -> Result<Self, String> {
        let mut random = [0; 24];
        openssl::rand::rand_bytes(&mut random).map_err(|error| error.to_string())?;
        Ok(Self::with_nonce(
            digest,
            username,
            &base64::encode_block(&random),
        ))
    }

    fn with_nonce(digest: MessageDigest, username: &str, nonce: &str) -> Self {
        let username = username.replace('=', "=3D").replace(',', "=2C");
        Self {
            digest,
            first: format!("n={username},r={nonce}"),
            nonce: nonce.to_owned(),
            server_signature: Vec::new(),
        }
    }

    /// The first message.
    pub(super) fn first(&self) -> String {
        format!("{HEADER}{}", self.first)
    }

    /// The answer to the broker's challenge.
    pub(super) fn prove(&mut self, challenge: &str, password: &str) -> Result<String, String> {
        let asked = Challenge::read(challenge)
            .filter(|asked| asked.nonce.starts_with(&self.nonce))
            .filter(|asked| (1..=MOST_ROUNDS).contains(&asked.rounds))
            .ok_or("the broker's challenge is not one of SCRAM")?;
        let header = base64::encode_block(HEADER.as_bytes());
        let last = format!("c={header},r={}", asked.nonce);
        let signed = format!("{},{challenge},{last}", self.first);
        let proof = self.sign(&asked, password, &signed);
        let proof = proof.map_err(|error| error.to_string())?;
        Ok(format!("{last},p={}", base64::encode_block(&proof)))
    }

    /// The proof; notes what the broker's is to be.
    fn sign(
        &mut self,
        asked: &Challenge,
        password: &str,
        signed: &str,
    ) -> Result<Vec<u8>, ErrorStack> {
        let digest = self.digest;
        let hmac = |key: &[u8], text: &[u8]| {
            let key = PKey::hmac(key)?;
            Signer::new(digest, &key)?.sign_oneshot_to_vec(text)
        };
        let mut salted = vec![0; digest.size()];
        let password = password.as_bytes();
        pbkdf2_hmac(password, &asked.salt, asked.rounds, digest, &mut salted)?;
        let client_key = hmac(&salted, b"Client Key")?;
        let stored_key = hash(digest, &client_key)?;
        let signature = hmac(&stored_key, signed.as_bytes())?;
        let server_key = hmac(&salted, b"Server Key")?;
        self.server_signature = hmac(&server_key, signed.as_bytes())?;
        Ok(client_key
            .iter()
            .zip(signature)
            .map(|(a, b)| a ^ b)
            .collect())
    }

    /// Makes sure that the broker knows the password, too.
    pub(super) fn verify(&self, outcome: &str) -> Result<(), String> {
        if let Some(error) = attribute(outcome, "e=") {
            return Err(error.to_owned());
        }
        let signature = attribute(outcome, "v=").and_then(|text| base64::decode_block(text).ok());
        let expected = &self.server_signature;
        let is_right = signature.is_some_and(|signature| {
            !expected.is_empty()
                && signature.len() == expected.len()
                && memcmp::eq(&signature, expected)
        });
        match is_right {
            true => Ok(()),
            false => Err("the broker does not know the password itself".to_owned()),
        }
    }
}

/// What the broker sends for the first message.
struct Challenge {
    nonce: String,
    salt: Vec<u8>,
    rounds: usize,
}

impl Challenge {
    fn read(message: &str) -> Option<Self> {
        Some(Self {
            nonce: attribute(message, "r=")?.to_owned(),
            salt: base64::decode_block(attribute(message, "s=")?).ok()?,
            rounds: attribute(message, "i=")?.parse().ok()?,
        })
    }
}

fn attribute<'a>(message: &'a str, name: &str) -> Option<&'a str> {
    message.split(',').find_map(|part| part.strip_prefix(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 7677, section 3.
    fn example() -> (Scram, &'static str) {
        let scram = Scram::with_nonce(MessageDigest::sha256(), "user", "rOprNGfwEbeRWgbNEkqO");
        let challenge = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
        (scram, challenge)
    }

    #[test]
    fn the_messages_are_those_of_the_standard() {
        let (mut scram, challenge) = example();
        assert_eq!(scram.first(), "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
        assert_eq!(
            scram.prove(challenge, "pencil").unwrap(),
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
             p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
        );
        let outcome = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";
        assert_eq!(scram.verify(outcome), Ok(()));
    }

    #[test]
    fn a_broker_that_does_not_know_the_password_is_not_believed() {
        let (mut scram, challenge) = example();
        let outcome = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";
        assert!(scram.verify(outcome).is_err(), "before anything was proved");
        scram.prove(challenge, "pencil").unwrap();
        for outcome in [
            "v=AAAA",
            "v=",
            "",
            "v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
        ] {
            assert!(scram.verify(outcome).is_err(), "{outcome}");
        }
        let refused = scram.verify("e=invalid-proof");
        assert_eq!(refused, Err("invalid-proof".to_owned()));
    }

    #[test]
    fn a_challenge_that_is_none_is_refused() {
        let (mut scram, challenge) = example();
        let another_nonce = challenge.replace("r=rO", "r=Or");
        let no_rounds = challenge.replace("i=4096", "i=0");
        let too_many_rounds = challenge.replace("i=4096", "i=999999999");
        for challenge in ["", "r=,s=,i=", &another_nonce, &no_rounds, &too_many_rounds] {
            assert!(scram.prove(challenge, "pencil").is_err(), "{challenge}");
        }
    }

    #[test]
    fn what_has_a_meaning_of_its_own_in_a_name_is_escaped() {
        let scram = Scram::with_nonce(MessageDigest::sha512(), "a=b,c", "x");
        assert_eq!(scram.first(), "n,,n=a=3Db=2Cc,r=x");
    }
}
