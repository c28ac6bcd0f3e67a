import Synchronization
import Testing

@testable import Terminal
@testable import Up

@Suite struct ProgressTests {
    private let plain = Paint(isColoured: false)
    private let now = ContinuousClock.now

    @Test func `a frame has one line for each part, however far it is`() {
        var progress = Progress(["RabbitMQ", "PostgreSQL", "Redis", "workers", "ingress"])
        progress.begin("PostgreSQL", at: now)
        progress.begin("Redis", at: now)
        progress.end("Redis", .done, remark: "port 1", at: now + .milliseconds(3_460))
        progress.begin("workers", at: now)
        progress.end("workers", .failed, remark: "", at: now + .milliseconds(50))
        progress.end("ingress", .stopped, remark: "", at: now)
        #expect(
            ProgressLayout.frame(progress, at: now + .seconds(2), turn: 10, paint: plain) == [
                "  · RabbitMQ          ", "  ⠋ PostgreSQL         2.0 s", "  ✓ Redis              3.4 s  port 1", "  ✗ workers            0.0 s",
                "  – ingress            0.0 s",
            ])
    }

    @Test func `elsewhere a part is one line, when it has ended`() {
        var progress = Progress(["Redis"])
        #expect(ProgressLayout.line(progress.parts[0]) == nil)
        let part = progress.end("Redis", .done, remark: "port 1", at: now)
        #expect(part.flatMap(ProgressLayout.line) == "Redis: done in 0.0 s (port 1)")
    }
}

@Suite struct ConsoleTests {
    /// The text that would have been written.
    private final class Output: Sendable {
        private let pieces = Mutex<[String]>([])
        var all: [String] { pieces.withLock { $0 } }
        func add(_ piece: String) { pieces.withLock { $0.append(piece) } }
    }

    private let output = Output()

    private func console(isLive: Bool) -> Console {
        Console(terminal: Terminal(isLive: isLive, isColoured: false), write: output.add)
    }

    @Test func `without a terminal there are plain lines and no control characters`() async throws {
        let console = console(isLive: false)
        try await console.progress(["Redis"]) {
            console.line("said in between")
            try await console.part("Redis") { "port 1" }
        }
        #expect(output.all.count == 2)
        #expect(output.all.first == "said in between\n")
        #expect(output.all.last?.hasPrefix("Redis: done in ") == true)
        #expect(!output.all.joined().contains("\u{1B}"))
    }

    @Test func `on a terminal a line goes above the progress`() async throws {
        let console = console(isLive: true)
        await console.progress(["Redis", "ingress"]) { console.line("said in between") }
        let piece = output.all.first { $0.contains("said in between") }
        #expect(piece?.hasPrefix("\u{1B}[2A\u{1B}[Jsaid in between\n") == true)
        #expect(piece?.hasSuffix("  · ingress           \n") == true)
        console.line("afterwards")
        #expect(output.all.last == "afterwards\n")
    }

    @Test func `a part that fails fails its caller`() async {
        struct Trouble: Error {}
        let console = console(isLive: false)
        await #expect(throws: Trouble.self) {
            try await console.progress(["Redis"]) { try await console.part("Redis") { throw Trouble() } }
        }
        #expect(output.all.last?.hasPrefix("Redis: failed after") == true)
    }
}

@Suite struct UpSummaryTests {
    private func summary(hasDemo: Bool = true) -> UpSummary {
        UpSummary(
            url: "http://127.0.0.1:8080", adminEmail: "admin@wharf.example", adminPassword: "secret", mail: "/shop/.wharf/mail",
            logs: "/shop/.wharf/logs", sandboxURL: nil, timeToReady: .milliseconds(4_900), hasDemo: hasDemo)
    }

    @Test func `the summary holds what a person needs, the order to paste included`() {
        let text = summary().text(Paint(isColoured: false))
        for part in ["Ready after 4.9 s.", "http://127.0.0.1:8080", "admin@wharf.example", "secret", "/shop/.wharf/mail", "Ctrl-C", summary().order] {
            #expect(text.contains(part))
        }
    }

    @Test func `the order buys a product of the catalogue`() {
        let sku = DemoProduct.example.sku
        #expect(DemoProduct.all.contains { $0.sku == sku })
        #expect(summary().order.contains("/items/\(sku)"))
    }

    @Test func `without a catalogue there is nothing to order`() {
        #expect(!summary(hasDemo: false).text(Paint(isColoured: false)).contains("curl"))
    }
}
