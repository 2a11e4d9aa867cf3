#include "tests/leak_scan/record.h"

#include "bus/client/log_reader.h"
#include "bus/protocol/message_codec.h"
#include "bus/secret/file.h"
#include "bus/wire/context.h"
#include "cli/endpoints.h"

namespace keytrail::leak_scan {

Result<Recorded> record_bus(const std::string& data, const std::string& key_file,
                            const std::string& file) {
  const cli::Endpoints at = TRY(cli::read_endpoints(data));
  const wire::CurveKeys keys = TRY(wire::read_curve_keys(key_file));
  wire::Context context;
  client::LogReader reader(
      context, {.endpoint = at.log.read, .server_key = at.log.server_key, .known = {}}, keys);
  OsFileSystem files;
  const std::unique_ptr<File> out = TRY(files.open(file, FileSystem::Open::kReplace));
  Recorded recorded;
  std::uint64_t bytes = 0;
  Result<void> written;
  const auto record = [&](const client::ReadFact& fact) {
    Bytes blob;
    protocol::append_fact(blob, fact.stored.stamp, fact.stored.body);
    std::uint32_t index = 0;
    for (const Attachment& attachment : fact.attachments) {
      protocol::append_attachment(blob, {fact.position, index++, attachment});
    }
    written = out->write_at(bytes, blob);
    bytes += blob.size();
    ++recorded.facts;
    recorded.attachments += index;
    return written.ok();
  };
  TRY(reader.read(0, 0, {.attachments = wire::AttachmentsWanted::kClear}, record));
  TRY(written);
  return recorded;
}

}  // namespace keytrail::leak_scan
