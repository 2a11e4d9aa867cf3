#include "kms/kmip/tls.h"

#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include "kms/kmip/certificate.h"

namespace keytrail::kmip {
namespace {

// What a connection cannot show: a record's plain text is wiped, and old versions are not tried.
void expect_hardened(const TlsContext& tls) {
  const std::uint64_t options = SSL_CTX_get_options(tls.native());
  for (const std::uint64_t option :
       {SSL_OP_CLEANSE_PLAINTEXT, SSL_OP_NO_COMPRESSION, SSL_OP_NO_RENEGOTIATION}) {
    EXPECT_EQ(options & option, option);
  }
  EXPECT_EQ(SSL_CTX_get_min_proto_version(tls.native()), TLS1_2_VERSION);
  EXPECT_EQ(SSL_CTX_get_max_proto_version(tls.native()), 0);  // The newest that there is.
}

TEST(TlsContextTest, WipesWhatWasReadAndSpeaksNothingOlderThanTls12) {
  SecretBytes key = make_private_key().value();
  std::string certificate = make_self_signed(key, {.common_name = "kms-1",
                                                   .use = CertificateUse::kServer,
                                                   .not_before_seconds = 1'700'000'000,
                                                   .not_after_seconds = 2'000'000'000})
                                .value();
  const TlsIdentity identity{std::move(certificate), std::move(key)};
  expect_hardened(make_server_context(identity).value());
  expect_hardened(make_client_context(&identity, AnyServer{}).value());
  expect_hardened(make_client_context(nullptr, AnyServer{}).value());
}

}  // namespace
}  // namespace keytrail::kmip
