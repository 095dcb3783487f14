// SPDX-License-Identifier: MIT OR Apache-2.0
//! Decimal numbers, read and written without the standard library's leniency: no sign, no blank, no wrap.

/// The number that consists of exactly these digits; none where there is no digit, another byte, or more than
/// 64 bits.
pub(crate) fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |value, &byte| {
        let digit = byte.checked_sub(b'0').filter(|&digit| digit <= 9)?;
        value.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

/// Like [`decimal`], but a number has one spelling only: leading zeros, which other readers of the same file
/// take for octal, are refused.
pub(crate) fn canonical_decimal(digits: &[u8]) -> Option<u64> {
    match digits {
        [b'0', _, ..] => None,
        _ => decimal(digits),
    }
}

/// How many bytes `value` has in decimal.
pub(crate) fn decimal_length(value: u32) -> usize {
    value.checked_ilog10().map_or(1, |log| (log as usize).saturating_add(1))
}

/// Writes `value` in decimal and then `end` to the start of `buffer`; gives what is left of the buffer, or none
/// where it is too short.
pub(crate) fn write_decimal(buffer: &mut [u8], value: u32, end: u8) -> Option<&mut [u8]> {
    let (digits, rest) = buffer.split_at_mut_checked(decimal_length(value))?;
    let mut left = value;
    for place in digits.iter_mut().rev() {
        let digit = u8::try_from(left.checked_rem(10)?).ok()?;
        *place = digit.checked_add(b'0')?;
        left = left.checked_div(10)?;
    }
    let (last, rest) = rest.split_first_mut()?;
    *last = end;
    Some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimal_only_digits_are_read() {
        assert_eq!(decimal(b"0"), Some(0));
        assert_eq!(decimal(b"007"), Some(7));
        assert_eq!(decimal(b"18446744073709551615"), Some(u64::MAX));
        for bad in [&b""[..], b"18446744073709551616", b"+1", b"-1", b" 1", b"1 ", b"0x1", b"1\0", b"1\n", b"\xb2"] {
            assert_eq!(decimal(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn canonical_decimal_refuses_leading_zeros() {
        assert_eq!(canonical_decimal(b"0"), Some(0));
        assert_eq!(canonical_decimal(b"10"), Some(10));
        assert_eq!(canonical_decimal(b"010"), None);
        assert_eq!(canonical_decimal(b"00"), None);
    }

    #[test]
    fn write_decimal_fits_exactly_or_refuses() {
        for (value, text) in [(0, "0 "), (9, "9 "), (10, "10 "), (4_294_967_295, "4294967295 ")] {
            let mut buffer = std::vec![0; text.len()];
            assert_eq!(write_decimal(&mut buffer, value, b' ').map(|rest| rest.len()), Some(0));
            assert_eq!(buffer, text.as_bytes());
            assert!(write_decimal(&mut buffer[1..], value, b' ').is_none());
        }
    }
}
