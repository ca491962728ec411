//! The thread that reads a child's standard output.

use std::io::{self, PipeReader, Read};
use std::process::ChildStdout;
use std::sync::Arc;
use std::sync::mpsc::{self, SyncSender};
use std::thread;

use keyward_core::{Error, ErrorKind, Result, Secret};
use rustix::event::{PollFd, PollFlags};

use super::Link;
use super::host_call::{self, HostCall, MAX_HOST_CALLS};
use keyward_wire::frame::Frames;
use keyward_wire::message::Message;

/// A child's output. It ends when the child has ended and everything is read, even if another
/// process that the child started keeps the pipe open.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) pipe: ChildStdout,
    /// Closed when the child has ended.
    pub(super) ended: PipeReader,
}

impl Read for Output {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let mut ready =
            [PollFd::new(&self.pipe, PollFlags::IN), PollFd::new(&self.ended, PollFlags::IN)];
        rustix::event::poll(&mut ready, None)?;
        if ready[0].revents().is_empty() { Ok(0) } else { self.pipe.read(bytes) }
    }
}

/// Starts the thread that reads `output`, and one that answers what the child asks.
pub(super) fn read_in_background(link: &Arc<Link>, output: Output) -> Result<()> {
    let (queue, host_calls) = mpsc::sync_channel(MAX_HOST_CALLS);
    spawn("keyward-host-calls", link, |link| host_call::answer_all(link, host_calls))?;
    spawn("keyward-child-output", link, move |link| {
        let why = read(link, Frames::new(output), &queue);
        link.end(&why);
    })
}

fn spawn(
    name: &str,
    link: &Arc<Link>,
    work: impl FnOnce(&Arc<Link>) + Send + 'static,
) -> Result<()> {
    let link = link.clone();
    let spawned = thread::Builder::new().name(name.into()).spawn(move || work(&link));
    spawned.map(drop).map_err(|error| Error::io("run", error))
}

/// Reads until the end, and returns its cause.
fn read(link: &Link, mut frames: Frames<Output>, queue: &SyncSender<HostCall>) -> String {
    loop {
        let frame = match frames.next_frame() {
            Ok(Some(frame)) => frame,
            Ok(None) => return link.why_closed(),
            Err(broken) => return link.why_broken(&broken),
        };
        if link.is_over() {
            // A child that was asked to end may finish its work, but its answers are ignored.
            if link.child.is_over() {
                return String::new();
            }
        } else if let Err(why) = receive(link, frame, queue) {
            return why;
        }
    }
}

/// Passes a frame to its thread.
///
/// # Errors
/// The reason for which the child must be killed.
fn receive(link: &Link, frame: Secret, queue: &SyncSender<HostCall>) -> Result<(), String> {
    let id = match Message::read(frame.expose()) {
        Ok(Message::Answer { id, .. }) => id,
        Ok(Message::Call(call)) => {
            host_call::receive(link, &call, queue);
            return Ok(());
        }
        Ok(Message::Unknown { id }) => {
            let error = Error::new(ErrorKind::Unsupported, "message");
            host_call::refuse(id, error, queue);
            return Ok(());
        }
        Err(what) => return Err(super::no_message(what)),
    };
    if link.calls.deliver(id, frame) {
        return Ok(());
    }
    Err(format!("answers the call {id}, which does not wait for an answer"))
}
