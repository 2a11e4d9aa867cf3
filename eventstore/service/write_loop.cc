#include "eventstore/service/write_loop.h"

#include <poll.h>

#include <array>

namespace keytrail::eventstore {

namespace {

Result<void> append(EventLog& log, const Batch& batch) {
  std::vector<AttachmentRow> attachments;
  attachments.reserve(batch.attachments.size());
  for (const protocol::PositionedAttachment& row : batch.attachments) {
    attachments.push_back({.position = row.position,
                           .index = row.index,
                           .kind = row.attachment.kind,
                           .bytes = row.attachment.bytes});
  }
  return log.append({.first = batch.first,
                     .last = batch.last,
                     .leaf = batch.leaf,
                     .facts = batch.facts,
                     .attachments = attachments});
}

}  // namespace

WriteLoop::WriteLoop(EventLog& log) : log_(log), thread_([this] { run(); }) {}

WriteLoop::~WriteLoop() {
  stop_.set();
  thread_.join();
}

void WriteLoop::write(Batch batch) { KEYTRAIL_CHECK(to_write_.put(std::move(batch))); }

void WriteLoop::run() {
  std::array<pollfd, 2> items{{{.fd = to_write_.fd(), .events = POLLIN, .revents = 0},
                               {.fd = stop_.fd(), .events = POLLIN, .revents = 0}}};
  for (;;) {
    ::poll(items.data(), items.size(), -1);
    for (Batch& batch : to_write_.take_all()) {
      const auto durable = append(log_, batch);
      Written written{.batch = std::move(batch), .failure = std::nullopt};
      if (!durable.ok()) written.failure = durable.error().detail;
      KEYTRAIL_CHECK(written_.put(std::move(written)));
      if (!durable.ok()) return;
    }
    if (stop_.is_set()) return;
  }
}

}  // namespace keytrail::eventstore
