//! A broker's door and nothing behind it: takes credentials by PLAIN and SCRAM, and refuses them.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use anyhow::{Context, Result};

/// Stands until the test process ends.
pub struct Doorman {
    address: String,
}

/// Api keys, and the one version of each that is spoken here.
const JOIN_GROUP: (i16, i16) = (11, 0);
const HANDSHAKE: (i16, i16) = (17, 1);
const VERSIONS: (i16, i16) = (18, 0);
const AUTHENTICATE: (i16, i16) = (36, 0);

const UNSUPPORTED_VERSION: i16 = 35;
const AUTHENTICATION_FAILED: i16 = 58;

impl Doorman {
    pub fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?.to_string();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // An error is a client that has left.
                thread::spawn(move || talk(stream));
            }
        });
        Ok(Self { address })
    }

    /// `host:port`.
    pub fn address(&self) -> &str {
        &self.address
    }
}

fn talk(mut stream: TcpStream) -> Result<()> {
    loop {
        let request = frame(&mut stream)?;
        let number = |at: usize| -> Result<i16> {
            let bytes = request.get(at..at + 2).context("a short request")?;
            Ok(i16::from_be_bytes([bytes[0], bytes[1]]))
        };
        let asked = (number(0)?, number(2)?);
        let client_id = usize::try_from(number(8)?).unwrap_or(0);
        let body = request.get(10 + client_id..).context("a short request")?;
        let answer = match asked {
            HANDSHAKE => handshake(),
            AUTHENTICATE => authenticate(body.get(4..).context("no bytes")?),
            (key, version) if key == VERSIONS.0 => versions(version),
            asked => anyhow::bail!("asked for {asked:?}"),
        };
        let correlation = &request[4..8];
        let length = i32::try_from(correlation.len() + answer.len())?;
        stream.write_all(&[&length.to_be_bytes()[..], correlation, &answer].concat())?;
    }
}

fn frame(stream: &mut TcpStream) -> Result<Vec<u8>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let mut frame = vec![0; usize::try_from(i32::from_be_bytes(length))?];
    stream.read_exact(&mut frame)?;
    Ok(frame)
}

/// What is spoken here; to another version with the error that makes clients ask again in version 0.
fn versions(asked: i16) -> Vec<u8> {
    let error = if asked == VERSIONS.1 {
        0
    } else {
        UNSUPPORTED_VERSION
    };
    let mut answer = error.to_be_bytes().to_vec();
    // Without the first librdkafka takes the broker for one of the time before SASL.
    let spoken = [JOIN_GROUP, HANDSHAKE, VERSIONS, AUTHENTICATE];
    answer.extend(4_i32.to_be_bytes());
    for (key, version) in spoken {
        answer.extend([key, 0, version].map(i16::to_be_bytes).concat());
    }
    answer
}

fn handshake() -> Vec<u8> {
    let mut answer = 0_i16.to_be_bytes().to_vec();
    let mechanisms = ["PLAIN", "SCRAM-SHA-256"];
    answer.extend(2_i32.to_be_bytes());
    mechanisms.iter().for_each(|name| push(&mut answer, name));
    answer
}

/// SCRAM's first message is answered, so that the client proves that it knows the password; all else is refused.
fn authenticate(said: &[u8]) -> Vec<u8> {
    let said = String::from_utf8_lossy(said);
    let nonce = said
        .strip_prefix("n,,")
        .and_then(|first| first.split_once(",r="));
    let mut answer = Vec::new();
    match nonce {
        Some((_, nonce)) => {
            answer.extend([0, -1].map(i16::to_be_bytes).concat());
            let first = format!("r={nonce}more,s=c2FsdHNhbHQ=,i=4096");
            answer.extend((first.len() as i32).to_be_bytes());
            answer.extend(first.as_bytes());
        }
        None => {
            answer.extend(AUTHENTICATION_FAILED.to_be_bytes());
            push(&mut answer, "these credentials are not known");
            answer.extend(0_i32.to_be_bytes());
        }
    }
    answer
}

fn push(answer: &mut Vec<u8>, text: &str) {
    answer.extend((text.len() as i16).to_be_bytes());
    answer.extend(text.as_bytes());
}
