#include "store/fixtures.hpp"

#include <claudio/vault.hpp>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <set>

using namespace claudio;
using test::fails_with;
using test::first_key;
using test::second_key;
using test::third_key;
using test::vault_of;

namespace {

// Where the parts of something sealed begin.
constexpr std::size_t version_at = 3;
constexpr std::size_t key_id_at = 4;
constexpr std::size_t commitment_at = 12;
constexpr std::size_t wrap_nonce_at = 44;
constexpr std::size_t text_nonce_at = 104;
constexpr std::size_t shortest = 132;

secret_place somewhere() {
  secret_place place;
  place.database = test::bytes_of("000102030405060708090a0b0c0d0e0f");
  place.owner = "anthropic";
  place.row = "00112233445566778899aabbccddeeff";
  place.column = "api_key";
  place.version = 1;
  return place;
}

std::string sealed_by(vault const& keys, std::string_view text) {
  return keys.seal(secret::copy_of(text), somewhere()).value();
}

std::string const plain = "sk-ant-api03-test-vector";

result<std::vector<secret>> keys_in(std::string_view text) {
  return key_source::text(secret::copy_of(text), "the keys").keys("");
}

std::string number_of(result<std::vector<secret>> const& keys) {
  return keys ? std::to_string(keys->size()) : keys.error().message();
}

// In which way the message of a fault tells what was wrong.
std::string_view sign_of_change_at(std::size_t position) {
  if (position < version_at)
    return "not a sealed secret";
  if (position == version_at)
    return "format";
  if (position < commitment_at)
    return "which was not given";
  if (position < wrap_nonce_at)
    return "not of this key and database";
  return position < text_nonce_at ? "key can't be decrypted" : "text can't be decrypted";
}

} // namespace

BOOST_AUTO_TEST_SUITE(vaults)

BOOST_AUTO_TEST_CASE(what_is_sealed_comes_back) {
  auto const keys = vault_of({first_key});
  std::string every_byte;
  for (int byte = 0; byte < 256; ++byte)
    every_byte += static_cast<char>(byte);
  for (auto const& text : {std::string(), std::string("x"), plain, every_byte, std::string(300'000, 'k')}) {
    auto const sealed = sealed_by(keys, text);
    BOOST_TEST(sealed.size() == shortest + text.size());
    BOOST_TEST((keys.unseal(sealed, somewhere()).value().reveal() == text));
  }
}

// Made by Python's cryptography.AESGCM from the description of the formats, not by the library.
BOOST_AUTO_TEST_CASE(the_vector_of_format_1) {
  auto const sealed = test::bytes_of("434c5601d6367065068c9c34a0a1a2a3a4a5a6a7a8a9aaaba6593e6e018e44f82a2ccd984b378e91"
                                     "20fd0b43c6e2143bc4577cdd23f62b5ecaf674dc28ae10ca4f80629dd36c86cab0b1b2b3b4b5b6b7"
                                     "b8b9babb706bade4af3ec6f84b8717cbc08229b8ca25f24d2761b9ed6739dac809613e631a8ff34c"
                                     "25fd66e5");
  auto place = somewhere();
  place.format = 1;
  BOOST_TEST(vault_of({first_key}).unseal(sealed, place).value().reveal() == plain);
  BOOST_TEST(vault::key_id_of(sealed).value() == vault_of({first_key}).key_ids().at(0));
}

BOOST_AUTO_TEST_CASE(two_seals_of_one_text_have_nothing_random_in_common) {
  auto const keys = vault_of({first_key});
  auto const one = sealed_by(keys, plain);
  auto const other = sealed_by(keys, plain);
  for (std::size_t at = wrap_nonce_at; at + 12 <= one.size(); at += 12)
    BOOST_TEST(one.substr(at, 12) != other.substr(at, 12));
  BOOST_TEST(one.find(plain) == std::string::npos);
}

BOOST_AUTO_TEST_CASE(each_changed_bit_is_found) {
  auto const keys = vault_of({first_key});
  auto const sealed = sealed_by(keys, plain);
  for (std::size_t at = 0; at < sealed.size(); ++at)
    for (int bit = 0; bit < 8; ++bit) {
      auto changed = sealed;
      changed[at] = static_cast<char>(changed[at] ^ (1 << bit));
      BOOST_TEST_CONTEXT("bit " << bit << " of byte " << at)
      fails_with(keys.unseal(changed, somewhere()), errc::vault, sign_of_change_at(at));
    }
}

BOOST_AUTO_TEST_CASE(each_other_length_is_found) {
  auto const keys = vault_of({first_key});
  auto const sealed = sealed_by(keys, plain);
  for (std::size_t size = 0; size < sealed.size(); ++size)
    BOOST_TEST_CONTEXT("cut to " << size) {
      auto const* const sign = size < shortest ? "is cut off" : "text can't be decrypted";
      fails_with(keys.unseal(std::string_view(sealed).substr(0, size), somewhere()), errc::vault, sign);
      if (size < shortest) {
        fails_with(keys.rewrap(std::string_view(sealed).substr(0, size), somewhere()), errc::vault, sign);
        fails_with(vault::key_id_of(std::string_view(sealed).substr(0, size)), errc::vault, sign);
      }
    }
  for (char const added : {'\0', '\1', sealed.back()})
    fails_with(keys.unseal(sealed + added, somewhere()), errc::vault, "text can't be decrypted");
}

BOOST_AUTO_TEST_CASE(messages_tell_what_to_look_for) {
  auto const keys = vault_of({first_key, second_key});
  auto newer = sealed_by(keys, plain);
  newer[version_at] = 3;
  fails_with(keys.unseal(newer, somewhere()), errc::vault, "is stored in format 3");
  fails_with(keys.unseal(newer.substr(0, 10), somewhere()), errc::vault, "is stored in format 3");
  fails_with(keys.unseal("sk-ant-api03-plain", somewhere()), errc::vault, "are not a sealed secret");
  auto const foreign = sealed_by(vault_of({third_key}), plain);
  fails_with(keys.unseal(foreign, somewhere()), errc::vault,
             "the key " + vault_of({third_key}).key_ids().at(0) +
                 ", which was not given; given: " + keys.key_ids().at(0) + ", " + keys.key_ids().at(1));
}

BOOST_AUTO_TEST_CASE(it_opens_at_its_place_only) {
  auto const keys = vault_of({first_key, second_key});
  auto const sealed = sealed_by(keys, plain);
  std::vector<std::function<void(secret_place&)>> const moves{
      [](secret_place& place) { place.owner = "other"; },
      [](secret_place& place) { place.database.back() = 'f'; },
      [](secret_place& place) { place.database.clear(); },
      [](secret_place& place) { place.row.back() = 'e'; },
      [](secret_place& place) { place.column = "proxy"; },
      [](secret_place& place) { ++place.version; },
      [](secret_place& place) { place.version += std::uint64_t{1} << 40; },
      // The same characters, cut elsewhere.
      [](secret_place& place) {
        place.column.insert(0, place.row.substr(31));
        place.row.pop_back();
      },
  };
  for (auto const& move : moves) {
    auto place = somewhere();
    move(place);
    fails_with(keys.unseal(sealed, place), errc::vault, "belong to another place");
    auto const newer = vault_of({second_key, first_key});
    fails_with(newer.rewrap(sealed, place), errc::vault, "belong to another place");
  }
}

BOOST_AUTO_TEST_CASE(secrets_of_two_rows_cant_be_exchanged) {
  auto const keys = vault_of({first_key});
  auto other_place = somewhere();
  other_place.row = "ffeeddccbbaa99887766554433221100";
  auto const one = sealed_by(keys, "one secret");
  auto const other = keys.seal(secret("my secret"), other_place).value();
  fails_with(keys.unseal(other, somewhere()), errc::vault, "belong to another place");
  fails_with(keys.unseal(one, other_place), errc::vault, "belong to another place");
  // The text of one with the key of the other.
  fails_with(keys.unseal(one.substr(0, text_nonce_at) + other.substr(text_nonce_at), somewhere()), errc::vault,
             "text can't be decrypted");
}

BOOST_AUTO_TEST_CASE(rewrapping_changes_the_key_and_nothing_else) {
  auto const old = vault_of({first_key});
  auto const both = vault_of({second_key, first_key});
  auto const sealed = sealed_by(old, plain);
  BOOST_TEST(both.unseal(sealed, somewhere()).value().reveal() == plain);
  auto const rewrapped = both.rewrap(sealed, somewhere()).value().value();
  BOOST_TEST(rewrapped.size() == sealed.size());
  BOOST_TEST(rewrapped.substr(text_nonce_at) == sealed.substr(text_nonce_at));
  BOOST_TEST(rewrapped.substr(key_id_at, 100) != sealed.substr(key_id_at, 100));
  BOOST_TEST(vault_of({second_key}).unseal(rewrapped, somewhere()).value().reveal() == plain);
  BOOST_TEST(both.unseal(rewrapped, somewhere()).value().reveal() == plain);
  fails_with(old.unseal(rewrapped, somewhere()), errc::vault, "which was not given");
  BOOST_TEST(!both.rewrap(rewrapped, somewhere()).value().has_value());
  BOOST_TEST(!old.rewrap(sealed, somewhere()).value().has_value());
  fails_with(vault_of({second_key}).rewrap(sealed, somewhere()), errc::vault, "which was not given");
  auto damaged = sealed;
  damaged[wrap_nonce_at + 18] = static_cast<char>(damaged[wrap_nonce_at + 18] ^ 1);
  fails_with(both.rewrap(damaged, somewhere()), errc::vault, "key can't be decrypted");
}

BOOST_AUTO_TEST_CASE(keys_have_ids) {
  auto const ids = vault_of({second_key, first_key, second_key}).key_ids();
  BOOST_REQUIRE(ids.size() == 2u);
  BOOST_TEST(ids[0] == vault_of({second_key}).key_ids().at(0));
  BOOST_TEST(ids[1] == vault_of({first_key}).key_ids().at(0));
  BOOST_TEST(ids[0].size() == 16u);
  BOOST_TEST(ids[0].find_first_not_of("0123456789abcdef") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(without_keys_there_is_no_vault) {
  fails_with(vault::open({}, ""), errc::vault, "no key-encryption key was given");
  vault const empty;
  fails_with(empty.seal(secret("x"), somewhere()), errc::vault, "an empty claudio::vault");
  fails_with(empty.unseal("x", somewhere()), errc::vault, "an empty claudio::vault");
  fails_with(empty.rewrap("x", somewhere()), errc::vault, "an empty claudio::vault");
  BOOST_TEST(empty.key_ids().empty());
}

BOOST_AUTO_TEST_CASE(made_keys_are_keys) {
  std::set<std::string> made;
  for (int i = 0; i < 100; ++i) {
    auto const key = make_encryption_key();
    BOOST_TEST(keys_in(key.reveal()).value().size() == 1u);
    made.emplace(key.reveal());
  }
  BOOST_TEST(made.size() == 100u);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(key_sources)

BOOST_AUTO_TEST_CASE(lines_are_keys) {
  std::string const text =
      "# made in spring\n\n  " + std::string(second_key) + " \t\r\n   # and\r\n" + std::string(first_key);
  auto const keys = keys_in(text).value();
  BOOST_REQUIRE(keys.size() == 2u);
  for (unsigned byte = 0; byte < 32; ++byte) {
    BOOST_TEST(keys[0].reveal()[byte] == static_cast<char>(32 + byte));
    BOOST_TEST(keys[1].reveal()[byte] == static_cast<char>(byte));
  }
  for (auto const* const nothing : {"", "\n", "# only this", "  \n\t\n"})
    fails_with(keys_in(nothing), errc::vault, "the keys has no key in it");
}

BOOST_AUTO_TEST_CASE(what_is_no_key_is_told_by_its_line_only) {
  std::vector<std::string> wrong{
      "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",   // 43
      "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8==", // 45
      "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg==",  // 31 bytes
      "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8f",  // 33 bytes
      "AAECAwQFBgcICQoLDA0O-xAREhMUFRYXGBkaGxwdHh8=",
      "AAECAwQFBgcICQoLDA0O_xAREhMUFRYXGBkaGxwdHh8=",
      "AAECAwQFBgcICQoLDA0O xAREhMUFRYXGBkaGxwdHh8=",
      "AAECAwQFBgcICQoLDA0O=xAREhMUFRYXGBkaGxwdHh8=",
      "=AECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
      "AAECAwQFBgcICQoLDA0O\xc3\xa4"
      "AREhMUFRYXGBkaGxwdHh8=",
      "sk-ant-api03-in-the-wrong-place",
      std::string(10'000, 'A'),
  };
  for (auto const& line : wrong)
    BOOST_TEST_CONTEXT(line) {
      auto const got = keys_in("# one\n" + std::string(first_key) + "\n\n" + line + "\n");
      fails_with(got, errc::vault, "the keys, line 4: not a key of 256 bits in base64");
      for (std::size_t at = 0; at + 8 <= line.size(); ++at)
        BOOST_TEST(got.error().message().find(line.substr(at, 8)) == std::string::npos);
    }
}

BOOST_AUTO_TEST_CASE(a_file_is_for_its_owner_only) {
  test::temporary_folder const folder;
  auto const text = std::string(first_key) + "\n" + std::string(second_key) + "\n";
  for (unsigned const mode : {0644u, 0640u, 0604u, 0620u, 0601u}) {
    auto const path = folder.write("open.key", text, mode);
    fails_with(key_source::file(path).keys(""), errc::vault, "run: chmod 600 " + path);
  }
  for (unsigned const mode : {0600u, 0400u}) {
    auto const path = folder.write("closed.key" + std::to_string(mode), text, mode);
    BOOST_TEST(number_of(key_source::file(path).keys("")) == "2");
  }
  fails_with(key_source::file(folder.file("none.key")).keys(""), errc::vault, "No such file or directory");
  fails_with(key_source::file(folder.path()).keys(""), errc::vault, folder.path());
  fails_with(key_source::file(folder.write("empty.key", "", 0600)).keys(""), errc::vault, "has no key in it");
  auto const wrong = folder.write("wrong.key", "\nnot base64\n", 0600);
  fails_with(key_source::file(wrong).keys(""), errc::vault, "the key file \"" + wrong + "\", line 2");
}

BOOST_AUTO_TEST_CASE(a_source_is_asked_each_time) {
  test::temporary_folder const folder;
  auto const source = key_source::file(folder.file("late.key"));
  BOOST_TEST(source.keys("").has_error());
  folder.write("late.key", first_key, 0600);
  BOOST_TEST(number_of(source.keys("")) == "1");
}

BOOST_AUTO_TEST_CASE(an_environment_variable) {
  auto const source = key_source::environment("CLAUDIO_TEST_STORE_KEY");
  ::unsetenv("CLAUDIO_TEST_STORE_KEY");
  fails_with(source.keys(""), errc::vault, "the environment variable CLAUDIO_TEST_STORE_KEY is not set");
  ::setenv("CLAUDIO_TEST_STORE_KEY", "", 1);
  fails_with(source.keys(""), errc::vault, "the environment variable CLAUDIO_TEST_STORE_KEY is not set");
  ::setenv("CLAUDIO_TEST_STORE_KEY", std::string(first_key).c_str(), 1);
  BOOST_TEST(number_of(source.keys("")) == "1");
  ::unsetenv("CLAUDIO_TEST_STORE_KEY");
}

BOOST_AUTO_TEST_CASE(a_command) {
  auto const run = [](std::string const& line) { return key_source::command(line).keys(""); };
  std::string const key(first_key);
  BOOST_TEST(number_of(run("echo " + key)) == "1");
  BOOST_TEST(number_of(run("echo '# from the service'; printf " + key)) == "1");
  // More than a pipe holds.
  BOOST_TEST(number_of(run("yes '# a remark' | head -n 20000; echo " + key)) == "1");
  fails_with(run("yes"), errc::vault, "is larger than 1024 KiB");
  fails_with(run("true"), errc::vault, "has no key in it");
  fails_with(run("echo nonsense"), errc::vault, "the output of the key command \"echo …\", line 1");
  fails_with(run("echo " + key + "; exit 3"), errc::vault, "failed with exit status 3");
  fails_with(run("claudio-no-such-command 2>/dev/null"), errc::vault, "failed with exit status 127");
  fails_with(run("echo " + key + "; kill -KILL $$"), errc::vault, "was ended by a signal");
  // A key that is not used is not handed on; everything else is.
  ::setenv("CLAUDIO_MASTER_KEY", key.c_str(), 1);
  fails_with(run("printenv CLAUDIO_MASTER_KEY"), errc::vault, "failed with exit status 1");
  ::unsetenv("CLAUDIO_MASTER_KEY");
  ::setenv("CLAUDIO_TEST_COMMANDS_KEY", key.c_str(), 1);
  BOOST_TEST(number_of(run("printenv CLAUDIO_TEST_COMMANDS_KEY")) == "1");
  ::unsetenv("CLAUDIO_TEST_COMMANDS_KEY");
}

// A store's thread blocks all signals; a command has to end when it is told to.
BOOST_AUTO_TEST_CASE(a_command_gets_signals) {
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  auto const keys = key_source::command("kill -TERM $$; echo " + std::string(first_key)).keys("");
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  fails_with(keys, errc::vault, "was ended by a signal");
}

BOOST_AUTO_TEST_CASE(a_passphrase) {
  auto const key_of = [](std::string_view phrase, std::string_view salt, unsigned cost) {
    return std::string(key_source::passphrase(secret::copy_of(phrase), cost).keys(salt).value().at(0).reveal());
  };
  std::string_view const salt = "0123456789abcdef";
  auto const key = key_of("correct horse", salt, 10);
  BOOST_TEST(key.size() == 32u);
  BOOST_TEST((key == key_of("correct horse", salt, 10)));
  BOOST_TEST((key != key_of("correct horse", "0123456789abcdeF", 10)));
  BOOST_TEST((key != key_of("correct horsf", salt, 10)));
  BOOST_TEST((key != key_of("correct horse", salt, 11)));
  // Python's hashlib.scrypt(…, n=1024, r=8, p=1, dklen=32).
  BOOST_TEST((key == test::bytes_of("ea0dee985fae56b26c39b69366121b6d3960aef38415c088b5dc128ed3c5ebb3")));
  auto const refuse = [](std::string_view phrase, std::string_view with) {
    return key_source::passphrase(secret::copy_of(phrase), 10).keys(with);
  };
  fails_with(refuse("", salt), errc::vault, "the passphrase is empty");
  fails_with(refuse("x", "0123456789abcde"), errc::vault, "a salt of at least 16 bytes");
}

BOOST_AUTO_TEST_CASE(the_first_failing_source_is_told) {
  auto sources = test::sources_of({first_key});
  sources.push_back(key_source::file("/no/such/file.key"));
  fails_with(vault::open(sources, ""), errc::vault, "/no/such/file.key");
}

BOOST_AUTO_TEST_SUITE_END()
