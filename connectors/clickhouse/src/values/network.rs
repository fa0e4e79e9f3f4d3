//! Network addresses from text.
use std::net::{Ipv4Addr, Ipv6Addr};

pub fn ipv4(text: &str) -> Option<[u8; 4]> {
    let address: Ipv4Addr = text.parse().ok()?;
    Some(u32::from(address).to_le_bytes())
}

/// An IPv4 address becomes the IPv6 address that stands for it.
pub fn ipv6(text: &str) -> Option<[u8; 16]> {
    let address: Option<Ipv6Addr> = text.parse().ok();
    let address = address.or_else(|| text.parse().ok().map(|address: Ipv4Addr| address.to_ipv6_mapped()))?;
    Some(address.octets())
}
