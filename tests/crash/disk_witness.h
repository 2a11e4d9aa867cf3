// DiskWitness: what anybody who may get a VM's key can say of its disk, with no host's help.
//
// It gets the KEK over KMIP as a client of vCenter's group (each release is on the log), unwraps
// the DEK, opens the disk as a host would, lock included, and compares: with the guest's data, with
// the log, with what vCenter says. Threads: one.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "esxi/disk/disk_engine.h"
#include "kms/kmip/client.h"
#include "tests/installation/installation_under_test.h"

namespace keytrail::crash {

class DiskWitness {
 public:
  // `guest_data`: what the guest has on its disk; `lines`: which of its lines must not be found in
  // an encrypted one. REQUIRES: the VM is there, and off.
  DiskWitness(testing::InstallationUnderTest& installation, std::string vm, std::string guest_data,
              std::vector<std::string> lines);
  ~DiskWitness();

  // Makes a client's key and certificate and has it enrolled in vCenter's group.
  [[nodiscard]] Result<void> enrol();

  // All that is wrong, a sentence each; `encrypted` is what the last action that was completed made
  // of it.
  [[nodiscard]] std::vector<std::string> complaints(bool encrypted);
  // How many of the lines stand in any file of the datastore.
  [[nodiscard]] std::size_t lines_in_the_datastore() const;
  [[nodiscard]] std::vector<std::string> files() const;

 private:
  [[nodiscard]] Result<disk::Descriptor> descriptor() const;
  [[nodiscard]] Result<std::optional<SecretBytes>> dek_of(const disk::Descriptor& descriptor);
  [[nodiscard]] Result<void> check_data(const disk::Descriptor& descriptor);
  [[nodiscard]] Result<void> check_log(const disk::Descriptor& descriptor, bool encrypted) const;
  [[nodiscard]] Result<void> check_actions() const;

  testing::InstallationUnderTest& installation_;
  const std::string vm_, folder_, guest_data_;
  const std::vector<std::string> lines_;
  std::unique_ptr<kmip::Client> client_;
};

}  // namespace keytrail::crash
