//! The proxy in front of an echo: what passes, when, and what ends.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Instant;

use super::*;
use crate::support::wait::eventually;

const SOON: Duration = Duration::from_secs(10);

/// A proxy in front of a server that sends back what it gets.
fn echo() -> Proxy {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("it is bound").port();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let mut back = client.try_clone().expect("a second handle");
            thread::spawn(move || io::copy(&mut &client, &mut back));
        }
    });
    Proxy::start(0, port).expect("it starts")
}

fn connect(proxy: &Proxy) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(proxy.address())?;
    stream.set_read_timeout(Some(SOON))?;
    Ok(stream)
}

/// Sends `count` bytes and reads as many as come back, up to that count.
fn exchange(mut stream: &TcpStream, count: usize) -> io::Result<usize> {
    stream.write_all(&vec![7; count])?;
    let mut back = Vec::new();
    // A reset ends the reading as an end does.
    let _ = stream.take(count as u64).read_to_end(&mut back);
    Ok(back.len())
}

#[test]
fn bytes_pass_both_ways_until_the_connection_is_cut_and_a_new_one_passes() -> Result<()> {
    let proxy = echo();
    let first = connect(&proxy)?;
    assert_eq!(exchange(&first, 100_000)?, 100_000);
    proxy.cut();
    assert_eq!(
        (&first).take(1).read_to_end(&mut Vec::new()).unwrap_or(0),
        0
    );
    assert_eq!(exchange(&connect(&proxy)?, 10)?, 10);
    assert_eq!(proxy.accepted(), 2);
    Ok(())
}

#[test]
fn delayed_and_throttled_bytes_arrive_late_and_whole() -> Result<()> {
    let cases = [
        // 100 ms there and as much back.
        (Manner::Delay(Duration::from_millis(100)), 200),
        // 0.2 s there, 0.2 s back, overlapping at best.
        (Manner::Throttle(50_000), 200),
    ];
    for (manner, least_ms) in cases {
        let proxy = echo();
        proxy.set(manner);
        let began = Instant::now();
        assert_eq!(exchange(&connect(&proxy)?, 10_000)?, 10_000);
        let least = Duration::from_millis(least_ms);
        assert!(
            began.elapsed() >= least,
            "{manner:?}: {:?}",
            began.elapsed()
        );
    }
    Ok(())
}

#[test]
fn a_connection_is_cut_after_the_bytes_it_was_granted() -> Result<()> {
    let proxy = echo();
    proxy.set(Manner::CutAfter(1_000));
    assert_eq!(exchange(&connect(&proxy)?, 999)?, 999);
    assert!(exchange(&connect(&proxy)?, 5_000)? <= 1_000);
    Ok(())
}

#[test]
fn what_is_held_passes_once_the_hold_is_over() -> Result<()> {
    let proxy = echo();
    proxy.set(Manner::Hold);
    let mut stream = connect(&proxy)?;
    stream.write_all(b"held")?;
    stream.set_read_timeout(Some(Duration::from_millis(300)))?;
    let mut back = [0; 4];
    assert!(stream.read_exact(&mut back).is_err(), "nothing passes");
    proxy.set(Manner::Pass);
    stream.set_read_timeout(Some(SOON))?;
    stream.read_exact(&mut back)?;
    assert_eq!(&back, b"held");
    Ok(())
}

#[test]
fn a_refusing_proxy_takes_nobody_and_later_everybody() -> Result<()> {
    let proxy = echo();
    proxy.set(Manner::Refuse);
    eventually("connecting fails", SOON, || match connect(&proxy) {
        Err(_) => Ok(()),
        Ok(_) => Err("it is taken"),
    });
    proxy.set(Manner::Pass);
    let stream = eventually("connecting succeeds", SOON, || connect(&proxy));
    assert_eq!(exchange(&stream, 10)?, 10);
    Ok(())
}
