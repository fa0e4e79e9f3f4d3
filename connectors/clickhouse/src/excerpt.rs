//! Beginnings of texts that a message shows.

/// The first `chars_max` characters on one line, with a mark where more were cut off.
pub fn excerpt(text: &str, chars_max: usize) -> String {
    let clean = |char: char| if char.is_control() { ' ' } else { char };
    let mut chars = text.chars().map(clean);
    let mut short: String = chars.by_ref().take(chars_max).collect();
    if chars.next().is_some() {
        short.push('…');
    }
    short
}

/// Of a refused value.
pub const VALUE_MAX: usize = 63;
