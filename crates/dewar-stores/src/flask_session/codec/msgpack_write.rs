//! Values → msgpack, byte for byte as msgspec writes it.

use dewar_signing::{DateTime, Value};

use super::{MAX_DEPTH, Refused};

/// Appends a value that stands `depth` levels down.
pub(super) fn value(out: &mut Vec<u8>, value: &Value, depth: usize) -> Result<(), Refused> {
    match value {
        Value::Null => out.push(0xc0),
        Value::Bool(false) => out.push(0xc2),
        Value::Bool(true) => out.push(0xc3),
        Value::Int(number) => integer(out, *number),
        Value::BigInt(number) => match number.as_str().parse::<u64>() {
            Ok(number) => unsigned(out, number),
            Err(_) => return Err(Refused::Integer),
        },
        Value::Float(number) => {
            out.push(0xcb);
            out.extend(number.to_bits().to_be_bytes());
        }
        Value::Str(content) => text(out, content),
        Value::Bytes(bytes) => {
            head(out, bytes.len(), None, [Some(0xc4), Some(0xc5), Some(0xc6)]);
            out.extend_from_slice(bytes);
        }
        Value::Uuid(uuid) => text(out, &uuid.to_string()),
        Value::DateTime(moment) => datetime(out, moment),
        Value::List(items) | Value::Tuple(items) => {
            let depth = deeper(depth)?;
            head(out, items.len(), Some((0x90, 16)), [None, Some(0xdc), Some(0xdd)]);
            for item in items {
                self::value(out, item, depth)?;
            }
        }
        Value::Dict(dict) => {
            let depth = deeper(depth)?;
            map_head(out, dict.len());
            for (key, item) in dict.iter() {
                text(out, key);
                self::value(out, item, depth)?;
            }
        }
        other => return Err(Refused::Type(other.type_name())),
    }
    Ok(())
}

pub(super) fn deeper(depth: usize) -> Result<usize, Refused> {
    if depth < MAX_DEPTH { Ok(depth + 1) } else { Err(Refused::Depth) }
}

pub(super) fn map_head(out: &mut Vec<u8>, members: usize) {
    head(out, members, Some((0x80, 16)), [None, Some(0xde), Some(0xdf)]);
}

pub(super) fn text(out: &mut Vec<u8>, content: &str) {
    head(out, content.len(), Some((0xa0, 32)), [Some(0xd9), Some(0xda), Some(0xdb)]);
    out.extend_from_slice(content.as_bytes());
}

/// The shortest head for so many: in the byte itself below a limit, or behind one of 8, 16 or 32
/// bits. A session of 4 GiB does not exist, and would be cut.
fn head(out: &mut Vec<u8>, count: usize, fixed: Option<(u8, u8)>, sizes: [Option<u8>; 3]) {
    let small = u8::try_from(count).ok();
    match (small, fixed, sizes) {
        (Some(count), Some((base, limit)), _) if count < limit => out.push(base | count),
        (Some(count), _, [Some(kind), ..]) => out.extend([kind, count]),
        (_, _, [_, Some(kind), _]) if u16::try_from(count).is_ok() => {
            out.push(kind);
            out.extend(u16::try_from(count).unwrap_or(u16::MAX).to_be_bytes());
        }
        (_, _, [_, _, kind]) => {
            out.push(kind.unwrap_or(0xdd));
            out.extend(u32::try_from(count).unwrap_or(u32::MAX).to_be_bytes());
        }
    }
}

fn integer(out: &mut Vec<u8>, number: i64) {
    if let Ok(number) = u64::try_from(number) {
        unsigned(out, number);
    } else if number >= -32 {
        out.extend((number as i8).to_be_bytes());
    } else if let Ok(number) = i8::try_from(number) {
        out.push(0xd0);
        out.extend(number.to_be_bytes());
    } else if let Ok(number) = i16::try_from(number) {
        out.push(0xd1);
        out.extend(number.to_be_bytes());
    } else if let Ok(number) = i32::try_from(number) {
        out.push(0xd2);
        out.extend(number.to_be_bytes());
    } else {
        out.push(0xd3);
        out.extend(number.to_be_bytes());
    }
}

fn unsigned(out: &mut Vec<u8>, number: u64) {
    if let Ok(number) = u8::try_from(number) {
        if number >= 128 {
            out.push(0xcc);
        }
        out.push(number);
    } else if let Ok(number) = u16::try_from(number) {
        out.push(0xcd);
        out.extend(number.to_be_bytes());
    } else if let Ok(number) = u32::try_from(number) {
        out.push(0xce);
        out.extend(number.to_be_bytes());
    } else {
        out.push(0xcf);
        out.extend(number.to_be_bytes());
    }
}

/// An aware one is a timestamp, a naive one its ISO text.
fn datetime(out: &mut Vec<u8>, moment: &DateTime) {
    if moment.utc_offset().is_none() {
        return text(out, &moment.to_iso());
    }
    let seconds = moment.unix_seconds();
    if let Ok(seconds) = u32::try_from(seconds) {
        out.extend([0xd6, 0xff]);
        out.extend(seconds.to_be_bytes());
    } else if (0..1 << 34).contains(&seconds) {
        out.extend([0xd7, 0xff]);
        out.extend(seconds.to_be_bytes());
    } else {
        out.extend([0xc7, 12, 0xff, 0, 0, 0, 0]);
        out.extend(seconds.to_be_bytes());
    }
}
