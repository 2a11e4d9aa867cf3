#include "kms/kmip/certificate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kms/kmip/tls.h"

namespace keytrail::kmip {
namespace {

using ::testing::HasSubstr;

constexpr std::int64_t kStart = 1'700'000'000;
constexpr std::int64_t kEnd = 2'000'000'000;

CertificateTerms terms(std::string common_name, CertificateUse use) {
  return {std::move(common_name), use, {"localhost"}, {"127.0.0.1", "::1"}, kStart, kEnd};
}

class CertificateTest : public ::testing::Test {
 protected:
  SecretBytes ca_key_ = make_private_key().value();
  std::string ca_ = make_self_signed(ca_key_, terms("ca", CertificateUse::kAuthority)).value();
  SecretBytes key_ = make_private_key().value();
};

TEST_F(CertificateTest, ASelfSignedOneTellsWhatItWasMadeFor) {
  const std::string pem = make_self_signed(key_, terms("kms-1", CertificateUse::kServer)).value();
  const CertificateFacts facts = read_certificate(pem).value();
  EXPECT_EQ(facts.subject, "CN=kms-1");
  EXPECT_EQ(facts.issuer, "CN=kms-1");
  EXPECT_EQ(facts.not_before_seconds, kStart);
  EXPECT_EQ(facts.not_after_seconds, kEnd);
  EXPECT_EQ(facts.fingerprint, certificate_fingerprint(pem).value());
  EXPECT_TRUE(belongs_to(key_, pem).value());
  EXPECT_FALSE(belongs_to(ca_key_, pem).value());
}

TEST_F(CertificateTest, AnAuthoritySignsKeysAndRequests) {
  const std::string made =
      make_signed(key_, terms("client", CertificateUse::kClient), {ca_, ca_key_}).value();
  EXPECT_EQ(read_certificate(made)->issuer, "CN=ca");

  const std::string request =
      make_signing_request(key_, terms("vcenter", CertificateUse::kClient)).value();
  const std::string signed_pem =
      sign_request(request, terms("", CertificateUse::kClient), {ca_, ca_key_}).value();
  EXPECT_EQ(read_certificate(signed_pem)->subject, "CN=vcenter");
  EXPECT_EQ(read_certificate(signed_pem)->issuer, "CN=ca");
  EXPECT_TRUE(belongs_to(key_, signed_pem).value());
}

TEST_F(CertificateTest, OnlyAnAuthorityWithItsOwnKeySigns) {
  const std::string leaf = make_self_signed(key_, terms("x", CertificateUse::kServer)).value();
  EXPECT_THAT(make_signed(key_, terms("y", CertificateUse::kClient), {leaf, key_}).error().detail,
              HasSubstr("not an authority's"));
  EXPECT_THAT(make_signed(key_, terms("y", CertificateUse::kClient), {ca_, key_}).error().detail,
              HasSubstr("does not belong"));
}

TEST_F(CertificateTest, ARequestThatWasAlteredIsNotSigned) {
  std::string request = make_signing_request(key_, terms("a", CertificateUse::kClient)).value();
  const std::size_t middle = request.size() / 2;
  for (std::size_t i = middle; i < middle + 4; ++i) request[i] = request[i] == 'A' ? 'B' : 'A';
  EXPECT_FALSE(sign_request(request, terms("", CertificateUse::kClient), {ca_, ca_key_}).ok());
}

TEST_F(CertificateTest, TextThatIsNoCertificateIsRefused) {
  EXPECT_FALSE(read_certificate("").ok());
  EXPECT_FALSE(
      read_certificate("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").ok());
  EXPECT_THAT(read_certificate(std::string(kPemBytesMax + 1, 'x')).error().detail,
              HasSubstr("too long"));
  EXPECT_FALSE(make_self_signed(SecretBytes::copy_of(as_bytes("no key")),
                                terms("x", CertificateUse::kServer))
                   .ok());
  CertificateTerms bad = terms("x", CertificateUse::kServer);
  bad.ip_addresses = {"127.0.0.256"};
  EXPECT_THAT(make_self_signed(key_, bad).error().detail, HasSubstr("127.0.0.256"));
  bad = terms("x", CertificateUse::kServer);
  bad.dns_names = {"a b"};
  EXPECT_THAT(make_self_signed(key_, bad).error().detail, HasSubstr("a b"));
  bad = terms("x", CertificateUse::kServer);
  bad.not_after_seconds = bad.not_before_seconds;
  EXPECT_FALSE(make_self_signed(key_, bad).ok());
}

TEST_F(CertificateTest, AContextNeedsTheCertificatesOwnKey) {
  const std::string pem = make_self_signed(key_, terms("kms-1", CertificateUse::kServer)).value();
  EXPECT_TRUE(make_server_context({pem, key_.clone()}).ok());
  EXPECT_THAT(make_server_context({pem, ca_key_.clone()}).error().detail,
              HasSubstr("does not belong"));
  EXPECT_FALSE(make_client_context(nullptr, TrustedAuthority{"no pem", ""}).ok());
}

}  // namespace
}  // namespace keytrail::kmip
