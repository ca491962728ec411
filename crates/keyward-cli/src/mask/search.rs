//! Finds many strings in a stream at once: the automaton of Aho and Corasick (Communications of the
//! ACM 18, 1975).
//!
//! It is written here because a mask has to know how many bytes may still become a string, which the
//! well-known crate does not say, and because the bytes of the strings must be wiped.

use keyward_core::Secret;
use zeroize::Zeroizing;

const ROOT: usize = 0;

/// The most bytes that a pause shows of what may be the beginning of a string: of a line that is
/// ended, and of a line that is not.
const OF_A_LINE: usize = 15;
const OF_NO_LINE: usize = 3;

/// What the stream so far ends with: the longest beginning of a string.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct State(usize);

/// The strings, as a tree of their beginnings.
#[derive(Debug)]
pub(super) struct Search {
    nodes: Vec<Node>,
    /// The last byte of each node.
    bytes: Zeroizing<Vec<u8>>,
    /// For each byte, whether a string begins with it.
    begins: Zeroizing<[bool; 256]>,
}

/// The beginning of a string. Node 0 is the empty one, and as a link it means that there is none.
#[derive(Clone, Copy, Debug, Default)]
struct Node {
    /// A beginning that is one byte longer, and the next one that is one byte longer than the same
    /// beginning.
    child: u32,
    sibling: u32,
    /// The longest other beginning that this one ends with.
    fallback: u32,
    length: u32,
    /// The length of the longest string that this one ends with.
    found: u32,
    /// The length of the shortest string that begins with this.
    shortest: u32,
}

impl Search {
    pub(super) fn new(strings: &[Secret]) -> Self {
        let most = strings.iter().map(Secret::len).sum::<usize>() + 1;
        // As large as needed, so that it does not leave a copy when it grows.
        let mut bytes = Zeroizing::new(Vec::with_capacity(most));
        bytes.push(0);
        let mut begins = Zeroizing::new([false; 256]);
        for byte in strings.iter().filter_map(|string| string.expose().first()) {
            begins[usize::from(*byte)] = true;
        }
        let mut search = Self { nodes: vec![Node::default()], bytes, begins };
        for string in strings {
            search.add(string.expose());
        }
        search.link();
        search
    }

    fn add(&mut self, string: &[u8]) {
        let length = u32::try_from(string.len()).expect("there is a limit on secrets");
        let mut node = ROOT;
        for byte in string {
            node = self.child(node, *byte).unwrap_or_else(|| self.add_child(node, *byte));
            let shortest = &mut self.nodes[node].shortest;
            *shortest = length.min(*shortest);
        }
        self.nodes[node].found = length;
    }

    fn add_child(&mut self, parent: usize, byte: u8) -> usize {
        let new = self.nodes.len();
        self.nodes.push(Node {
            sibling: self.nodes[parent].child,
            length: self.nodes[parent].length + 1,
            shortest: u32::MAX,
            ..Node::default()
        });
        self.bytes.push(byte);
        self.nodes[parent].child = u32::try_from(new).expect("there is a limit on secrets");
        new
    }

    /// Sets what follows from shorter beginnings, the shortest first.
    fn link(&mut self) {
        let mut level = self.children(ROOT);
        while !level.is_empty() {
            let mut next = Vec::new();
            for parent in level {
                for node in self.children(parent) {
                    let fallback = State(self.nodes[parent].fallback as usize);
                    let State(fallback) = self.next(fallback, self.bytes[node]);
                    let found = self.nodes[fallback].found;
                    let node = &mut self.nodes[node];
                    node.fallback = u32::try_from(fallback).expect("it is the number of a node");
                    node.found = node.found.max(found);
                }
                next.extend(self.children(parent));
            }
            level = next;
        }
    }

    fn children(&self, node: usize) -> Vec<usize> {
        let first = self.nodes[node].child;
        let siblings =
            std::iter::successors(Some(first), |node| Some(self.nodes[*node as usize].sibling));
        siblings.take_while(|node| *node != 0).map(|node| node as usize).collect()
    }

    fn child(&self, node: usize, byte: u8) -> Option<usize> {
        let mut child = self.nodes[node].child as usize;
        while child != ROOT && self.bytes[child] != byte {
            child = self.nodes[child].sibling as usize;
        }
        (child != ROOT).then_some(child)
    }

    /// Splits off the bytes before the first with which a string begins.
    pub(super) fn split_plain<'a>(&self, bytes: &'a [u8]) -> (&'a [u8], &'a [u8]) {
        let first = bytes.iter().position(|byte| self.begins[usize::from(*byte)]);
        bytes.split_at(first.unwrap_or(bytes.len()))
    }

    /// Returns the state after one more byte.
    pub(super) fn next(&self, State(mut node): State, byte: u8) -> State {
        loop {
            match self.child(node, byte) {
                Some(child) => return State(child),
                None if node == ROOT => return State(ROOT),
                None => node = self.nodes[node].fallback as usize,
            }
        }
    }

    /// Returns how many of the last bytes may be the beginning of a string, or are a string.
    pub(super) fn depth(&self, State(node): State) -> usize {
        self.nodes[node].length as usize
    }

    /// Returns the length of the longest string that the stream ends with.
    pub(super) fn found(&self, State(node): State) -> usize {
        self.nodes[node].found as usize
    }

    /// Returns how many of the last bytes tell too much of a string to be shown before it is known
    /// what follows. Ordinary text may well begin like a string, more so if the line ends there.
    pub(super) fn too_telling(&self, State(mut node): State, is_line: bool) -> usize {
        let (part, most) = if is_line { (2, OF_A_LINE) } else { (4, OF_NO_LINE) };
        loop {
            let Node { length, shortest, fallback, .. } = self.nodes[node];
            if node == ROOT || length as usize > most.min(shortest as usize / part) {
                return length as usize;
            }
            node = fallback as usize;
        }
    }
}
