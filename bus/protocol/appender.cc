#include "bus/protocol/appender.h"

#include <algorithm>

#include "bus/protocol/message_codec.h"

namespace keytrail::protocol {
namespace {

constexpr std::uint64_t kNsPerMs = 1'000'000;

// What the event store's codec takes: it refuses a whole frame for one unit that it does not.
bool fits(const Unit& unit) {
  const auto is_of_a_stream = [](const Guard& guard) {
    return guard.stream.size() <= kStreamBytesMax;
  };
  return std::ranges::all_of(unit.guards, is_of_a_stream) &&
         unit.guards.size() <= kGuardsPerUnitMax && unit.bodies.size() <= kBodiesPerUnitMax &&
         unit.attachments.size() <= kAttachmentsPerUnitMax &&
         frame_bytes_of(unit) <= kAppendFrameBytesMax;
}

}  // namespace

Appender::Appender(Options options)
    : options_(std::move(options)), patience_ms_(options_.silence_ms) {
  KEYTRAIL_CHECK(options_.in_flight_max >= 1 && options_.in_flight_max <= kWindowMax);
}

void Appender::begin(std::uint64_t epoch) {
  KEYTRAIL_CHECK(epoch_ == 0 && epoch > 0);
  epoch_ = epoch;
}

bool Appender::submit(Unit unit, TicketId ticket) {
  KEYTRAIL_CHECK(epoch_ > 0 && !unit.bodies.empty());
  if (waiting_.size() >= options_.waiting_max) return false;
  unit.n = next_n_++;
  // The first unit claims the epoch: it raises the version that all others are guarded by.
  unit.guards.push_back({options_.epoch_stream, unit.n == 1 ? epoch_ - 1 : epoch_});
  Pending pending{ticket, std::move(unit), std::nullopt};
  if (!fits(pending.unit)) {
    pending.ack = Ack{.epoch = epoch_,
                      .n = pending.unit.n,
                      .hint =
                          "the unit is too large to send, or names "
                          "a stream of over 200 bytes"};
  }
  waiting_.push_back(std::move(pending));
  return true;
}

void Appender::on_connected() {
  connected_ = true;
  resend_ = true;
}

void Appender::on_disconnected() { connected_ = false; }

void Appender::on_acks(const std::vector<Ack>& acks) {
  for (const Ack& ack : acks) {
    if (ack.epoch != epoch_) continue;  // Meant for the process before this one.
    const auto at = std::lower_bound(
        in_flight_.begin(), in_flight_.end(), ack.n,
        [](const Pending& pending, std::uint64_t n) { return pending.unit.n < n; });
    if (at == in_flight_.end() || at->unit.n != ack.n || at->ack) continue;  // Answered before.
    if (ack.outcome == AppendOutcome::kFenced) fenced_ = true;
    if (ack.n == 1 && ack.outcome == AppendOutcome::kAccepted) claimed_ = true;
    at->ack = ack;
    patience_ms_ = options_.silence_ms;
  }
}

void Appender::on_followed(const Fact& fact) {
  if (epoch_ == 0 || fact.body.stream != options_.epoch_stream) return;
  const auto* const event = std::get_if<part::Event>(&fact.body.event);
  const auto* const started = event == nullptr ? nullptr : std::get_if<part::PartStarted>(event);
  if (started != nullptr && started->epoch > epoch_) fenced_ = true;
}

// The oldest is what all others are completed behind. Its answer may have been lost on a connection
// that stands: at a queue that was full, or because the store had forgotten the way back.
void Appender::tick(TimeNs now) {
  now_ = now;
  if (!connected_ || resend_ || in_flight_.empty()) return;
  if (now_ < in_flight_.front().sent_at + patience_ms_ * kNsPerMs) return;
  resend_ = true;
  patience_ms_ = std::min(2 * patience_ms_, options_.silence_max_ms);
}

Appender::Outputs Appender::take_outputs() {
  Outputs outputs;
  outputs.fenced = fenced_;
  complete_answered(outputs.completed);  // Makes room first.
  if (connected_ && !fenced_) send_due(outputs.send);
  complete_answered(outputs.completed);  // What was too large to send has its answer already.
  return outputs;
}

void Appender::complete_answered(std::vector<Completed>& completed) {
  while (!in_flight_.empty() && in_flight_.front().ack) {
    completed.push_back({in_flight_.front().ticket, std::move(*in_flight_.front().ack)});
    in_flight_.pop_front();
  }
}

void Appender::send_due(std::vector<AppendBatch>& send) {
  std::size_t frame_bytes = 0;
  const auto add = [&](const Unit& unit) {
    const std::size_t bytes = frame_bytes_of(unit);
    if (send.empty() || frame_bytes + bytes > kAppendFrameBytesMax ||
        send.back().units.size() >= kUnitsPerBatchMax) {
      send.push_back({epoch_, {}});
      frame_bytes = 0;
    }
    frame_bytes += bytes;
    send.back().units.push_back(unit);
  };
  if (std::exchange(resend_, false)) {
    for (Pending& pending : in_flight_) {
      if (pending.ack) continue;
      add(pending.unit);
      pending.sent_at = now_;
    }
  }
  while (!waiting_.empty() && in_flight_.size() < in_flight_limit()) {
    if (!waiting_.front().ack) add(waiting_.front().unit);
    in_flight_.push_back(std::move(waiting_.front()));
    in_flight_.back().sent_at = now_;
    waiting_.pop_front();
  }
}

}  // namespace keytrail::protocol
