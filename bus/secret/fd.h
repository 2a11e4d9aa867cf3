// Fd: a file descriptor with one owner, which closes it. Movable; one thread at a time.
#pragma once

#include <unistd.h>

#include <utility>

namespace keytrail {

class Fd {
 public:
  explicit Fd(int fd = -1) : fd_(fd) {}  // What open(), socket() and the like returned; -1: none.
  ~Fd() { reset(); }
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) {
      reset();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool is_open() const { return fd_ >= 0; }
  void reset() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

 private:
  int fd_;
};

}  // namespace keytrail
