#include "esxi/disk/nbd_connection.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "esxi/disk/nbd_handshake.h"

namespace keytrail::disk {
namespace {

// A piece of a large request: stays in the second-level cache between socket, cipher and file.
constexpr std::size_t kPieceBytes = 128 * 1024;
constexpr std::size_t kReceiveBytes = 3 * kPieceBytes;
// Replies are sent when they are that many, or when there is nothing else to do.
constexpr std::size_t kSendBytes = 2 * kPieceBytes;
constexpr std::size_t kOutBytes = kSendBytes + kPieceBytes + kNbdReplyBytes;

}  // namespace

NbdConnection::NbdConnection(int socket, const NbdExport& exported, DiskEngine& disk,
                             const std::function<void(const Error&)>& report)
    : socket_(socket),
      export_(exported),
      disk_(disk),
      report_(report),
      in_(kReceiveBytes),
      out_(kOutBytes) {}

NbdConnection::~NbdConnection() {
  wipe(in_);  // The guest's data.
  wipe(out_);
}

void NbdConnection::run() {
  if (!negotiate()) return;
  DiskSession session = disk_.session();
  while (serve(session)) {
  }
  static_cast<void>(send_ready());
}

bool NbdConnection::negotiate() {
  NbdHandshake handshake(export_);
  Bytes answers = NbdHandshake::greeting();
  while (send(answers)) {
    if (handshake.phase() == NbdHandshake::Phase::kTransmission) return true;
    if (handshake.phase() == NbdHandshake::Phase::kClosed || !receive()) return false;
    answers.clear();
    consume(handshake.consume(waiting(), answers));
  }
  return false;
}

bool NbdConnection::serve(DiskSession& disk) {
  if (!buffer(kNbdRequestBytes)) return false;
  const auto request = parse_nbd_request(waiting().first<kNbdRequestBytes>());
  if (!request) return false;
  consume(kNbdRequestBytes);
  return carry_out(disk, *request);
}

bool NbdConnection::carry_out(DiskSession& disk, const NbdRequest& request) {
  const NbdError refusal = check_nbd_request(request, export_);
  if (refusal != NbdError::kNone) {
    if (request.command == NbdCommand::kWrite && !skip_payload(request.length)) return false;
    return reply(request, refusal);
  }
  const bool fua = (request.flags & kNbdCommandFua) != 0;
  Result<void> done;
  switch (request.command) {
    case NbdCommand::kDisconnect:
      return false;
    case NbdCommand::kRead:
      return read(disk, request);
    case NbdCommand::kWrite:
      return write(disk, request);
    case NbdCommand::kFlush:
      done = disk.flush();
      break;
    case NbdCommand::kTrim:
      done = disk.trim(request.offset, request.length);
      if (done.ok() && fua) done = disk.flush();
      break;
    case NbdCommand::kWriteZeroes:
      done = disk.write_zeroes(request.offset, request.length);
      if (done.ok() && fua) done = disk.flush();
      break;
  }
  return reply(request, outcome(done));
}

bool NbdConnection::read(DiskSession& disk, const NbdRequest& request) {
  std::uint32_t done = 0;
  while (done < request.length) {
    const auto piece = std::min<std::size_t>(kPieceBytes, request.length - done);
    const std::size_t start = out_end_;
    if (done == 0) add_reply(request, NbdError::kNone);
    const NbdError error =
        outcome(disk.read(request.offset + done, std::span(out_).subspan(out_end_, piece)));
    if (error != NbdError::kNone) {
      if (done > 0)
        return false;  // "All is well" is out already: only hanging up can take it back.
      out_end_ = start;
      return reply(request, error);
    }
    out_end_ += piece;
    done += static_cast<std::uint32_t>(piece);
    if (out_end_ >= kSendBytes && !send_ready()) return false;
  }
  return true;
}

bool NbdConnection::write(DiskSession& disk, const NbdRequest& request) {
  NbdError error = NbdError::kNone;
  std::uint32_t done = 0;
  while (done < request.length) {
    const auto piece = std::min<std::size_t>(kPieceBytes, request.length - done);
    if (!buffer(piece)) return false;
    if (error == NbdError::kNone) {  // After a failure the rest is only taken off the wire.
      error = outcome(disk.write(request.offset + done, waiting().first(piece)));
    }
    consume(piece);
    done += static_cast<std::uint32_t>(piece);
  }
  if (error == NbdError::kNone && (request.flags & kNbdCommandFua) != 0) {
    error = outcome(disk.flush());
  }
  return reply(request, error);
}

bool NbdConnection::skip_payload(std::uint32_t length) {
  if (length > kNbdPayloadBytesMax) return false;  // More than was offered: not worth reading.
  while (length > 0) {
    if (waiting().empty() && !receive()) return false;
    const auto piece = std::min<std::size_t>(waiting().size(), length);
    consume(piece);
    length -= static_cast<std::uint32_t>(piece);
  }
  return true;
}

bool NbdConnection::buffer(std::size_t bytes) {
  while (waiting().size() < bytes) {
    if (!receive()) return false;
  }
  return true;
}

bool NbdConnection::receive() {
  if (!send_ready()) return false;
  if (in_begin_ == in_end_) {
    in_begin_ = in_end_ = 0;
  } else if (in_.size() - in_end_ < kPieceBytes) {  // Seldom, and then less than a piece.
    std::memmove(in_.data(), in_.data() + in_begin_, in_end_ - in_begin_);
    in_end_ -= in_begin_;
    in_begin_ = 0;
  }
  ssize_t got = 0;
  do {
    got = ::recv(socket_, in_.data() + in_end_, in_.size() - in_end_, 0);
  } while (got < 0 && errno == EINTR);
  if (got <= 0) return false;
  in_end_ += static_cast<std::size_t>(got);
  return true;
}

bool NbdConnection::send_ready() { return send(ByteView(out_).first(std::exchange(out_end_, 0))); }

bool NbdConnection::send(ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(put));
  }
  return true;
}

void NbdConnection::add_reply(const NbdRequest& request, NbdError error) {
  std::ranges::copy(nbd_reply(error, request.cookie),
                    out_.begin() + static_cast<std::ptrdiff_t>(out_end_));
  out_end_ += kNbdReplyBytes;
}

bool NbdConnection::reply(const NbdRequest& request, NbdError error) {
  add_reply(request, error);
  return out_end_ < kSendBytes || send_ready();
}

NbdError NbdConnection::outcome(const Result<void>& result) {
  if (result.ok()) return NbdError::kNone;
  if (report_) report_(result.error());
  return NbdError::kIo;  // Not ENOSPC, on which some guests would stop and wait: the host is told.
}

std::span<std::uint8_t> NbdConnection::waiting() {
  return std::span(in_).subspan(in_begin_, in_end_ - in_begin_);
}

void NbdConnection::consume(std::size_t bytes) { in_begin_ += bytes; }

}  // namespace keytrail::disk
