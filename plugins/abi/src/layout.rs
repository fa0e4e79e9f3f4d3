//! Declares a C struct once, for Rust, for the layout hash and for the C header.

/// One field of a struct of the contract.
#[derive(Debug, Clone, Copy)]
pub struct FieldLayout {
    pub name: &'static str,
    pub offset: usize,
    pub size: usize,
    /// Renders the field's C declaration.
    pub declare: fn(&str) -> String,
}

/// A struct of the contract, described for hashing and for the C header.
pub trait Layout {
    const FIELDS: &'static [FieldLayout];
}

/// A type that has a spelling in C.
pub trait CType {
    fn c_name() -> String;
    /// `T name`; function pointers put the name in the middle.
    fn declare(name: &str) -> String {
        format!("{} {name}", Self::c_name())
    }
}

macro_rules! c_struct {
    ($(#[$meta:meta])* pub struct $name:ident { $($(#[$field_meta:meta])* pub $field:ident: $ty:ty),+ $(,)? }) => {
        $(#[$meta])*
        #[repr(C)]
        #[derive(Clone, Copy)]
        pub struct $name { $($(#[$field_meta])* pub $field: $ty),+ }

        impl $crate::layout::Layout for $name {
            const FIELDS: &'static [$crate::layout::FieldLayout] = &[$($crate::layout::FieldLayout {
                name: stringify!($field),
                offset: ::core::mem::offset_of!($name, $field),
                size: ::core::mem::size_of::<$ty>(),
                declare: <$ty as $crate::layout::CType>::declare,
            }),+];
        }

        impl $crate::layout::CType for $name {
            fn c_name() -> String { $crate::layout::c_struct_name(stringify!($name)) }
        }
    };
}

pub(crate) fn c_struct_name(rust: &str) -> String {
    let mut name = String::from("penstock");
    for letter in rust.chars() {
        if letter.is_ascii_uppercase() {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}

macro_rules! c_scalar {
    ($($rust:ty => $c:literal),+) => { $(impl CType for $rust { fn c_name() -> String { $c.into() } })+ };
}
c_scalar!(u8 => "uint8_t", u16 => "uint16_t", u32 => "uint32_t", u64 => "uint64_t", i32 => "int32_t",
    i64 => "int64_t", f64 => "double", usize => "size_t", () => "void", core::ffi::c_void => "void");

impl CType for [u8; 8] {
    fn c_name() -> String {
        "uint8_t".into()
    }
    fn declare(name: &str) -> String {
        format!("uint8_t {name}[8]")
    }
}

impl<T: CType> CType for *const T {
    fn c_name() -> String {
        format!("{} const *", T::c_name())
    }
}

impl<T: CType> CType for *mut T {
    fn c_name() -> String {
        format!("{} *", T::c_name())
    }
}

macro_rules! c_function {
    ($($arg:ident),*) => {
        impl<R: CType, $($arg: CType),*> CType for unsafe extern "C" fn($($arg),*) -> R {
            fn c_name() -> String { Self::declare("") }
            fn declare(name: &str) -> String {
                let arguments: &[String] = &[$($arg::c_name()),*];
                let arguments = if arguments.is_empty() { "void".into() } else { arguments.join(", ") };
                format!("{} (*{name})({arguments})", R::c_name())
            }
        }
        impl<R: CType, $($arg: CType),*> CType for Option<unsafe extern "C" fn($($arg),*) -> R> {
            fn c_name() -> String { Self::declare("") }
            fn declare(name: &str) -> String { <unsafe extern "C" fn($($arg),*) -> R as CType>::declare(name) }
        }
    };
}
c_function!();
c_function!(A);
c_function!(A, B);
c_function!(A, B, C);
c_function!(A, B, C, D);

/// FNV-1a's starting value.
pub(crate) const SEED: u64 = 0xcbf2_9ce4_8422_2325;

/// Folds one struct into a layout hash.
pub(crate) const fn fold(mut hash: u64, fields: &[FieldLayout], size: usize) -> u64 {
    let mut i = 0;
    while i < fields.len() {
        let name = fields[i].name.as_bytes();
        let mut j = 0;
        while j < name.len() {
            hash = step(hash, name[j] as u64);
            j += 1;
        }
        hash = step(step(hash, fields[i].offset as u64), fields[i].size as u64);
        i += 1;
    }
    step(hash, size as u64)
}

const fn step(hash: u64, value: u64) -> u64 {
    (hash ^ value).wrapping_mul(0x0000_0100_0000_01b3)
}
