//! The kind of machine that this program is built for.

use elf::abi;

/// The values that differ between kinds of machines.
#[derive(Debug)]
pub(crate) struct Machine {
    /// Its number in ELF.
    pub(crate) number: u16,
    /// The name of the GNU C library's dynamic linker.
    pub(crate) linker: &'static str,
    /// The name of Debian's folder for its libraries.
    pub(crate) multiarch: &'static str,
}

/// This machine.
pub(crate) const MACHINE: Machine = if cfg!(target_arch = "x86_64") {
    Machine::new(abi::EM_X86_64, "ld-linux-x86-64.so.2", "x86_64-linux-gnu")
} else if cfg!(target_arch = "aarch64") {
    Machine::new(abi::EM_AARCH64, "ld-linux-aarch64.so.1", "aarch64-linux-gnu")
} else if cfg!(target_arch = "riscv64") {
    Machine::new(abi::EM_RISCV, "ld-linux-riscv64-lp64d.so.1", "riscv64-linux-gnu")
} else if cfg!(target_arch = "powerpc64") {
    Machine::new(abi::EM_PPC64, "ld64.so.2", "powerpc64le-linux-gnu")
} else if cfg!(target_arch = "s390x") {
    Machine::new(abi::EM_S390, "ld64.so.1", "s390x-linux-gnu")
} else if cfg!(target_arch = "arm") {
    Machine::new(abi::EM_ARM, "ld-linux-armhf.so.3", "arm-linux-gnueabihf")
} else if cfg!(target_arch = "x86") {
    Machine::new(abi::EM_386, "ld-linux.so.2", "i386-linux-gnu")
} else {
    panic!("this kind of machine needs a line here")
};

impl Machine {
    const fn new(number: u16, linker: &'static str, multiarch: &'static str) -> Self {
        Self { number, linker, multiarch }
    }
}
