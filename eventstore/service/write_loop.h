// WriteLoop: the thread that makes batches durable, one at a time. While it syncs, the next batch
// forms: group commit without a timer.
//
// Own thread from construction to destruction. A failed write ends it: the log takes no more.
#pragma once

#include <optional>
#include <string>
#include <thread>

#include "bus/wire/mailbox.h"
#include "eventstore/log/event_log.h"
#include "eventstore/order/batch.h"

namespace keytrail::eventstore {

struct Written {
  Batch batch;
  std::optional<std::string> failure;  // a sentence for the operator
};

class WriteLoop {
 public:
  explicit WriteLoop(EventLog& log);
  ~WriteLoop();  // after the batch under way
  WriteLoop(const WriteLoop&) = delete;
  WriteLoop& operator=(const WriteLoop&) = delete;

  // REQUIRES: the batch before has come back.
  void write(Batch batch);
  [[nodiscard]] int fd() const { return written_.fd(); }
  [[nodiscard]] std::vector<Written> take_written() { return written_.take_all(); }

 private:
  void run();

  EventLog& log_;
  wire::Mailbox<Batch> to_write_{1};
  wire::Mailbox<Written> written_{1};
  wire::WakeEvent stop_;
  std::thread thread_;
};

}  // namespace keytrail::eventstore
