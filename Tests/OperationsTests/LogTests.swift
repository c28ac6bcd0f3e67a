import FoundationEssentials
import JSON
import Logging
import Messaging
import Secrets
import Testing

@testable import Operations

@Suite struct `Log lines` {
    private func lines(
        _ format: LogFormat, level: Logger.Level = .info, isColoured: Bool = false, provider: Logger.MetadataProvider? = nil,
        _ body: (Logger) -> Void
    ) async throws -> String {
        try await written { output in
            let handlers = LogHandlers(
                format: format, level: level, service: "orders", output: output, isColoured: isColoured, clock: StoppedClock())
            body(Logger(label: "saga") { handlers.make(label: $0, metadataProvider: provider) })
        }
    }

    private func object(_ line: String) throws -> [String: JSONValue] {
        try JSON.decode([String: JSONValue].self, from: Array(line.utf8))
    }

    @Test func `text has time, level, label, message and sorted pairs`() async throws {
        let text = try await lines(.text) { $0.info("order confirmed", metadata: ["total": "1999", "order": "17"]) }
        #expect(text == "2025-11-21T03:31:13.500Z info     saga  order confirmed  order=17 total=1999\n")
    }

    @Test func `a value of several words is quoted, and nothing breaks the line`() async throws {
        let text = try await lines(.text) {
            $0.warning("first\nsecond\u{1B}[31m", metadata: ["a": "two words", "b": "x=\"y\"", "c": "", "d\n": "e\r\tf"])
        }
        #expect(text.hasSuffix(#"first\nsecond\u{1b}[31m  a="two words" b="x=\"y\"" c="" d\n=e\r\tf"# + "\n"))
        #expect(text.count { $0 == "\n" } == 1)
        // Swift takes U+0600 and the quote after it for one character.
        let other = try await lines(.text) { $0.warning("x", metadata: ["a": "\u{600}\" b=c"]) }
        #expect(other.utf8.elementsEqual("\(other.prefix { $0 != "=" })=\"\u{600}\\\" b=c\"\n".utf8))
    }

    @Test func `colours are used on terminals only`() async throws {
        #expect(try await lines(.text, isColoured: true) { $0.error("x") }.contains("\u{1B}[1;31merror   \u{1B}[0m"))
        #expect(try await !lines(.text) { $0.error("x") }.contains("\u{1B}"))
    }

    @Test func `the level decides what is written`() async throws {
        let text = try await lines(.text, level: .warning) { logger in
            logger.info("unheard")
            logger.warning("heard")
        }
        #expect(text.contains("heard") && !text.contains("unheard"))
    }

    @Test func `ECS is one JSON object a line with the schema's names`() async throws {
        let line = try await lines(.ecs) { logger in
            logger.error(
                "say \"no\"\n\u{1}",
                metadata: [
                    "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "queue": "orders.commands",
                    "error": "it broke", "list": ["a", "b"],
                ])
        }
        let object = try object(line)
        #expect(object["@timestamp"] == "2025-11-21T03:31:13.500Z")
        #expect(object["log.level"] == "error")
        #expect(object["message"] == "say \"no\"\n\u{1}")
        #expect(object["service.name"] == "orders")
        #expect(object["log.logger"] == "saga")
        #expect(object["trace.id"] == "0af7651916cd43dd8448eb211c80319c")
        #expect(object["span.id"] == "b7ad6b7169203331")
        #expect(object["error.message"] == "it broke")
        #expect(object["wharf.queue"] == "orders.commands")
        #expect(object["wharf.list"] == #"["a", "b"]"#)
        #expect(line.count { $0 == "\n" } == 1)
    }

    @Test func `a logged error has its message and its type`() async throws {
        let object = try object(try await lines(.ecs) { $0.error("failed", error: Failure("no-stock", "none left")) })
        #expect(object["error.type"] == "Failure")
        #expect(object["error.message"]?.description.contains("none left") == true)
    }

    @Test func `the event's own metadata overrides the provider's, and that the logger's`() async throws {
        let provider = Logger.MetadataProvider { ["a": "provided", "b": "provided"] }
        let text = try await lines(.text, provider: provider) { logger in
            var logger = logger
            logger[metadataKey: "b"] = "logger"
            logger[metadataKey: "c"] = "logger"
            logger.info("x", metadata: ["a": "own"])
        }
        #expect(text.hasSuffix("a=own b=provided c=logger\n"))
    }

    @Test(arguments: LogFormat.allCases)
    func `a secret's text is in no message, metadata, error or dump of settings`(format: LogFormat) async throws {
        struct Broken: Error { let key: Secret }
        let names = ["STRIPE_API_KEY", "PAYPAL_CLIENT_SECRET", "SENDGRID_API_KEY", "TWILIO_AUTH_TOKEN", "CONSUL_HTTP_TOKEN", "STRIPE_WEBHOOK_SECRET", "WHARF_DEAD_LETTER_ALERT_SECRET"]
        let text = "sk_test_verysecretindeed"
        let settings = try Settings(environment: Dictionary(names.map { ($0, text) }, uniquingKeysWith: { first, _ in first }))
        let key = try #require(settings.stripe.apiKey)
        #expect(key.exposed == text)
        let written = try await lines(format) { logger in
            logger.error("\(key) \(settings)", metadata: ["key": "\(key)", "keys": "\([key])", "optional": "\(Optional(key) as Any)"])
            logger.error("failed", error: Broken(key: key))
            for part in [settings.stripe, settings.payPal, settings.mail, settings.twilio, settings.consul, settings.deadLetters] as [Any] {
                var dumped = ""
                dump(part, to: &dumped)
                logger.error("\(part) \(String(reflecting: part)) \(dumped)")
            }
        }
        #expect(written.contains("(hidden)"))
        #expect(!written.contains("verysecret"))
    }

    @Test func `an endless message is cut`() async throws {
        let text = try await lines(.text) { $0.info("\(String(repeating: "ä", count: 100_000))") }
        #expect(text.count < LogRecord.maximumCharacters + 100)
        #expect(text.hasSuffix("ä…\n"))
    }

    @Test func `lines of many tasks never interleave`() async throws {
        let text = try await written { output in
            let handlers = LogHandlers(format: .text, service: "x", output: output, isColoured: false, clock: StoppedClock())
            let logger = Logger(label: "x") { handlers.make(label: $0) }
            await withTaskGroup(of: Void.self) { group in
                for number in 0..<4 {
                    group.addTask {
                        for _ in 0..<1_000 { logger.info("\(String(repeating: "\(number)", count: 5_000))") }
                    }
                }
            }
        }
        let messages = text.split(separator: "\n").compactMap { $0.split(separator: "  ").last }
        #expect(messages.count == 4_000)
        #expect(messages.allSatisfy { Set($0).count == 1 && $0.count == 5_000 })
    }
}
