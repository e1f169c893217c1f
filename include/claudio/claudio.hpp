#pragma once

#include <claudio/call_info.hpp>
#include <claudio/call_options.hpp>
#include <claudio/chat.hpp>
#include <claudio/client.hpp>
#include <claudio/configuration.hpp>
#include <claudio/error.hpp>
#include <claudio/log.hpp>
#include <claudio/message.hpp>
#include <claudio/model.hpp>
#include <claudio/model_manager.hpp>
#include <claudio/models.hpp>
#include <claudio/retry.hpp>
#include <claudio/secret.hpp>
#include <claudio/session_pool.hpp>
#include <claudio/translate.hpp>
#include <claudio/version.hpp>
