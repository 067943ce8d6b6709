//! The records that tests write: the everyday one, and every shape that a mirror could trip over.

use super::record::Record;

/// 2023-11-14, so that nothing depends on the present.
pub const BASE_TIMESTAMP: i64 = 1_700_000_000_000;
/// 1999-12-31.
const YEAR_1999: i64 = 946_598_400_000;
/// One record in this many of a mixed load is a peculiar one.
const PECULIAR_EVERY: usize = 50;

/// Number `index` of a partition: 470 bytes of JSON, a key, one header. No two of a partition are equal.
pub fn typical(partition: i32, index: usize) -> Record {
    let value = format!(
        r#"{{"order":{index},"partition":{partition},"customer":"customer-{:05}","amount":{:.2},"note":"{:n$}"}}"#,
        index % 10_007,
        index as f64 / 7.0,
        "",
        n = 390 - index.checked_ilog10().unwrap_or(0) as usize * 2,
    );
    Record::at(BASE_TIMESTAMP + index as i64)
        .key(format!("key-{}", index % 1_000))
        .value(value)
        .header("trace", format!("{index:x}"))
}

/// `count` records of a partition: typical ones, and among them all the peculiar shapes again and again.
pub fn mixed(partition: i32, count: usize) -> impl Iterator<Item = Record> {
    let shapes: Vec<_> = peculiar(BASE_TIMESTAMP).collect();
    (0..count).map(move |index| {
        if !index.is_multiple_of(PECULIAR_EVERY) {
            return typical(partition, index);
        }
        // The number keeps equal shapes apart, so that every loss and every duplicate is seen as itself.
        shapes[index / PECULIAR_EVERY % shapes.len()]
            .clone()
            .header("number", format!("{index}"))
    })
}

/// Each shape once: keys, values and headers of every kind, and each at a timestamp of `timestamp` (ms); then the
/// timestamps of every kind.
pub fn peculiar(timestamp: i64) -> impl Iterator<Item = Record> {
    let at = move || Record::at(timestamp);
    let shapes = vec![
        at(),
        at().key("tombstone"),
        at().value("no key"),
        at().key("").value(""),
        at().key("").value("empty key"),
        at().key("empty value").value(""),
        at().key([0x00, 0xff, 0xfe, 0x80]).value([0xc3, 0x28, 0x00]),
        at().key("repeated headers")
            .header("a", "1")
            .header("b", "2")
            .header("a", "3")
            .header("a", "1"),
        at().key("empty header").header("", ""),
        at().key("null header")
            .null_header("n")
            .header("n", "")
            .null_header("n"),
        at().key("binary header")
            .header("bytes", (0..=255).collect::<Vec<u8>>()),
        at().key("header key that is not UTF-8")
            .header([0xff, 0xfe, b'k'], [0x80]),
        at().key("many headers")
            .headers((0..200).map(|n| (format!("h{}", n % 7), format!("{n}")))),
        at().key("large").value(vec![0x5a; 200 * 1024]),
        at().key(vec![b'k'; 20 * 1024]).value("large key"),
        at().key("large header")
            .header("large", vec![b'h'; 20 * 1024]),
    ];
    let times = [-1, 0, 1, 1999, YEAR_1999, timestamp];
    let timed = times.into_iter().map(|time| {
        Record::at(time)
            .key("time")
            .value(format!("written as {time}"))
    });
    shapes.into_iter().chain(timed)
}

/// Values around the sizes where a client's or broker's limit lies, up to 8 MiB, every one different.
pub fn large() -> impl Iterator<Item = Record> {
    const SIZES: [usize; 8] = [
        900_000, 999_900, 1_000_000, 1_048_500, 1_048_576, 2_500_000, 5_000_000, 8_388_608,
    ];
    SIZES.into_iter().enumerate().map(|(index, size)| {
        Record::at(BASE_TIMESTAMP + index as i64)
            .key(format!("{size} bytes"))
            .value(incompressible(size, index as u64))
    })
}

/// Bytes no codec can shrink below a broker's limit (xorshift64*).
fn incompressible(size: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        state.wrapping_mul(0x2545_f491_4f6c_dd1d).to_be_bytes()
    };
    (0..size.div_ceil(8))
        .flat_map(|_| next())
        .take(size)
        .collect()
}
