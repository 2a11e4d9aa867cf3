// Author: a part's appends without the rest of the part: one append socket, an Appender, bodies
// that are encoded beforehand. What an author spends on its events is the author's.
//
//   wire::Context context;
//   Fleet<Author> fleet = authors(context, store, 64);
//   rate(fleet, 1, seconds);                            clients.h
// Begins epoch 1 of its identity, so each identity can be used once in a log. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "bus/protocol/appender.h"
#include "bus/wire/context.h"
#include "bus/wire/socket.h"
#include "tests/bench/clients.h"
#include "tests/bench/log/bench_store.h"

namespace keytrail::bench {

// What an author sends for one fact, and what its peers send: 400 bytes. The store adds its stamp
// of 112 in front, which the peers do not write.
inline constexpr std::size_t kBodyBytes = 400;

// A body of kBodyBytes on `stream`, by a user whose name begins with `user`.
[[nodiscard]] Bytes body_of(const std::string& stream, const std::string& user, const Event& event);

class Author {
 public:
  // Connects, claims its epoch, and returns when that is durable. Units are of `unit_facts`.
  Author(wire::Context& context, const BenchStore& store, std::size_t index,
         std::size_t unit_facts = 1);

  void fill(std::size_t in_flight);
  void step();
  [[nodiscard]] std::uint64_t completed() const { return completed_; }  // units
  [[nodiscard]] std::size_t in_flight() const {
    return appender_.in_flight() + appender_.waiting();
  }
  // REQUIRES: one author, or kAuthors.
  static void wait(const Fleet<Author>& fleet);

  void append();  // one unit more, whatever is under way
  void send();
  void wait_ms(int timeout_ms) { wire::wait_readable({&socket_}, {}, timeout_ms); }
  // Called with each answer, in the order of the units.
  void on_ack(std::function<void(const protocol::Ack&)> call) { on_ack_ = std::move(call); }

 private:
  static wire::Socket connect(wire::Context& context, const BenchStore& store, std::size_t index);

  wire::Socket socket_;
  protocol::Appender appender_;
  protocol::Unit unit_;
  std::uint64_t completed_ = 0;
  std::function<void(const protocol::Ack&)> on_ack_;
};

[[nodiscard]] Fleet<Author> authors(wire::Context& context, const BenchStore& store,
                                    std::size_t count);

}  // namespace keytrail::bench
