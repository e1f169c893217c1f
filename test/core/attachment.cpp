#include "core/translate/data_uri.hpp"
#include "support/test.hpp"

#include <claudio/attachment.hpp>
#include <claudio/translate.hpp>

#include <boost/json/serialize.hpp>

#include <filesystem>
#include <fstream>
#include <sys/stat.h>
#include <thread>

using namespace claudio;
using namespace std::string_view_literals;

namespace {

constexpr auto png = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR"sv;
constexpr auto jpeg = "\xff\xd8\xff\xe0\0\x10JFIF"sv;
constexpr auto gif = "GIF89a\1\0\1\0"sv;
constexpr auto webp = "RIFF\x24\0\0\0WEBPVP8 "sv;
constexpr auto pdf = "%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"sv;

// A folder that goes with the test.
class folder {
public:
  folder() {
    std::string name = (std::filesystem::temp_directory_path() / "claudio-attachment-XXXXXX").string();
    BOOST_REQUIRE(::mkdtemp(name.data()));
    path_ = name;
  }
  ~folder() { std::filesystem::remove_all(path_); }
  folder(folder const&) = delete;
  folder& operator=(folder const&) = delete;

  std::string operator/(std::string_view name) const { return (path_ / name).string(); }
  std::string write(std::string_view name, std::string_view bytes) const {
    std::ofstream(*this / name, std::ios::binary) << bytes;
    return *this / name;
  }

private:
  std::filesystem::path path_;
};

std::string media_type(result<boost::json::object> const& part) {
  return part ? std::string(part->at("source").at("media_type").as_string()) : part.error().message();
}

std::string message_of(result<boost::json::object> const& part) { return part ? "no error" : part.error().message(); }

} // namespace

BOOST_AUTO_TEST_SUITE(attachments)

// RFC 4648, section 10.
BOOST_AUTO_TEST_CASE(bytes_are_encoded_as_base64) {
  BOOST_TEST(encode_base64("") == "");
  BOOST_TEST(encode_base64("f") == "Zg==");
  BOOST_TEST(encode_base64("fo") == "Zm8=");
  BOOST_TEST(encode_base64("foo") == "Zm9v");
  BOOST_TEST(encode_base64("foob") == "Zm9vYg==");
  BOOST_TEST(encode_base64("fooba") == "Zm9vYmE=");
  BOOST_TEST(encode_base64("foobar") == "Zm9vYmFy");
  BOOST_TEST(encode_base64("\xfb\xff\xfe"sv) == "+//+");
  std::string all;
  for (int byte = 0; byte < 256; ++byte) {
    all += static_cast<char>(byte);
    BOOST_TEST(decode_base64(encode_base64(all)).value() == all);
  }
}

BOOST_AUTO_TEST_CASE(images_are_known_by_their_first_bytes) {
  BOOST_TEST(media_type(image_bytes(png)) == "image/png");
  BOOST_TEST(media_type(image_bytes(jpeg)) == "image/jpeg");
  BOOST_TEST(media_type(image_bytes(gif)) == "image/gif");
  BOOST_TEST(media_type(image_bytes(webp)) == "image/webp");
  for (auto const other : {"", "BM\x3a\0\0\0", "<svg/>", "text", "%PDF-1.7", "RIFF\x24\x24\x24\x24WAVE"}) {
    auto const part = image_bytes(other);
    BOOST_REQUIRE(part.has_error());
    BOOST_TEST(part.error().code() == errc::invalid_request);
    BOOST_TEST(part.error().message() == "expected a JPEG, PNG, GIF or WebP image");
  }
}

BOOST_AUTO_TEST_CASE(parts_are_content_blocks_of_the_messages_api) {
  BOOST_TEST(boost::json::serialize(image_bytes(gif).value()) ==
             R"({"type":"image","source":{"type":"base64","media_type":"image/gif","data":"R0lGODlhAQABAA=="}})");
  BOOST_TEST(boost::json::serialize(document_bytes("%PDF-1", "a title").value()) ==
             R"({"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"JVBERi0x"},)"
             R"("title":"a title"})");
  BOOST_TEST(boost::json::serialize(document_bytes("\xef\xbb\xbfgrüße").value()) ==
             R"({"type":"document","source":{"type":"text","media_type":"text/plain","data":"grüße"}})");
  BOOST_TEST(boost::json::serialize(image_url("https://h.example/a.png")) ==
             R"({"type":"image","source":{"type":"url","url":"https://h.example/a.png"}})");
  BOOST_TEST(boost::json::serialize(document_url("https://h.example/a.pdf", "a")) ==
             R"({"type":"document","source":{"type":"url","url":"https://h.example/a.pdf"},"title":"a"})");
  BOOST_TEST(boost::json::serialize(text_part("hello")) == R"({"type":"text","text":"hello"})");
}

BOOST_AUTO_TEST_CASE(base64_is_taken_as_it_is_found) {
  BOOST_TEST(image_base64("R0lGODlh\r\nAQABAA").value() == image_bytes(gif).value());
  BOOST_TEST(document_base64(encode_base64(pdf), "t").value() == document_bytes(pdf, "t").value());
  for (auto const& part : {image_base64("R0lGODlh*"), document_base64("data:image/gif;base64,R0lGODlh")}) {
    BOOST_REQUIRE(part.has_error());
    BOOST_TEST(part.error().code() == errc::invalid_request);
    BOOST_TEST(part.error().message() == "not base64");
  }
}

BOOST_AUTO_TEST_CASE(what_is_neither_pdf_nor_text_is_no_document) {
  for (auto const other : {""sv, " \r\n"sv, "\xef\xbb\xbf"sv, "zero\0byte"sv, "latin \xe9"sv, png}) {
    auto const part = document_bytes(other);
    BOOST_REQUIRE(part.has_error());
    BOOST_TEST(part.error().code() == errc::invalid_request);
    BOOST_TEST(part.error().message() == "expected a PDF or a text in UTF-8 that is not blank");
  }
}

BOOST_AUTO_TEST_CASE(files_are_read_whatever_their_names) {
  folder const files;
  BOOST_TEST(image_file(files.write("a.jpg", png)).value() == image_bytes(png).value());
  BOOST_TEST(document_file(files.write("report.pdf", pdf)).value() == document_bytes(pdf, "report.pdf").value());
  BOOST_TEST(attach_file(files.write("b", webp)).value() == image_bytes(webp).value());
  BOOST_TEST(attach_file(files.write("notes.md", "# notes")).value() == document_bytes("# notes", "notes.md").value());
}

BOOST_AUTO_TEST_CASE(files_that_cannot_be_attached_are_named) {
  folder const files;
  auto const zip = files.write("a.zip", "PK\3\4\0\0"sv);
  BOOST_TEST(message_of(attach_file(zip)) ==
             "\"" + zip + "\": expected a JPEG, PNG, GIF or WebP image, a PDF, or a text in UTF-8 that is not blank");
  BOOST_TEST(message_of(image_file(zip)) == "\"" + zip + "\": expected a JPEG, PNG, GIF or WebP image");
  BOOST_TEST(message_of(image_file(files / "none")) ==
             "can't read \"" + (files / "none") + "\": No such file or directory");
  BOOST_TEST(message_of(document_file(files / "")) == "can't read \"" + (files / "") + "\": Is a directory");
  BOOST_TEST(image_file(files / "none").error().code() == errc::invalid_request);
}

BOOST_AUTO_TEST_CASE(sizes_are_bounded) {
  folder const files;
  std::string most(max_attachment_bytes, 'a');
  BOOST_TEST(document_bytes(most).has_value());
  most += 'a';
  auto const large = files.write("large", most);
  for (auto const& part :
       {document_bytes(most), document_file(large), attach_file(large), image_bytes(std::string(png) + most),
        attach_file(files.write("png", std::string(png) + most))}) {
    BOOST_REQUIRE(part.has_error());
    BOOST_TEST(part.error().code() == errc::request_too_large);
    BOOST_TEST(part.error().message().ends_with("larger than 23 MiB, which is the most that a request can carry"));
  }
  // What has no end is not read to it.
  BOOST_TEST(attach_file("/dev/zero").error().code() == errc::request_too_large);
}

BOOST_AUTO_TEST_CASE(pipes_are_read_to_their_end) {
  folder const files;
  auto const pipe = files / "pipe";
  BOOST_REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  std::thread writer([&] { std::ofstream(pipe, std::ios::binary) << gif; });
  auto const part = attach_file(pipe);
  writer.join();
  BOOST_TEST(part.value() == image_bytes(gif).value());
}

BOOST_AUTO_TEST_CASE(parts_reach_the_wire_as_they_are) {
  boost::json::array parts;
  parts.push_back(text_part("What is this?"));
  parts.push_back(image_bytes(png).value());
  parts.push_back(document_bytes("a text", "t").value());
  chat_request chat;
  chat.user(parts);
  message_request native;
  native.user(parts);
  translation_target target;
  target.model = "claude-sonnet-4-6";
  auto const translated = to_anthropic(chat, target).value();
  BOOST_TEST(translated.request.json().at("messages") == native.json().at("messages"));
  BOOST_TEST(translated.warnings.empty());
}

BOOST_AUTO_TEST_SUITE_END()
