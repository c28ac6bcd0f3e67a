import Messaging
import Terminal

/// The report of `wharf status`, as text and as JSON.
package struct StatusReport: Codable, Sendable, Equatable {
    package struct Health: Codable, Sendable, Equatable {
        package enum State: String, Codable, Sendable {
            /// It can do its work: its dependencies answer.
            case ready
            /// It reports itself what is wrong.
            case notReady
            /// It runs and does not answer.
            case silent
            /// It has been stopped, as by SIGSTOP.
            case stopped
            case ended
            /// A server, which is not asked: the roles that need it are.
            case running
            case unknown
        }

        package let state: State
        /// What is wrong; for a process that is ready, what it works without, or what waits.
        package let detail: String?
        /// Where its health and metrics are, on 127.0.0.1.
        package let port: Int?

        package init(_ state: State, _ detail: String? = nil, port: Int? = nil) {
            self.state = state
            self.detail = detail
            self.port = port
        }

        /// A process that is ready but works without something, or makes customers wait, is not well.
        package var isWell: Bool { state == .running || state == .ready && detail == nil }
    }

    package struct Process: Codable, Sendable, Equatable {
        package let name: String
        package let role: String
        package let pid: Int32
        package let health: Health
        /// Absent when the process has ended and has not been restarted yet.
        package let uptimeSeconds: Int?
        /// Resident memory; absent likewise.
        package let residentBytes: Int?
        package let restarts: Int

        package init(
            name: String, role: String, pid: Int32, health: Health, uptimeSeconds: Int?, residentBytes: Int?, restarts: Int
        ) {
            self.name = name
            self.role = role
            self.pid = pid
            self.health = health
            self.uptimeSeconds = uptimeSeconds
            self.residentBytes = residentBytes
            self.restarts = restarts
        }
    }

    package struct Queue: Codable, Sendable, Equatable {
        package let name: String
        /// Absent, as is `consumers`, where the broker does not report it.
        package let messages: Int?
        let consumers: Int?
        /// True for a queue of the topology that the broker does not have; absent otherwise.
        package var isMissing: Bool?
    }

    package let running: Bool
    /// Of `wharf-dev up`; this and the fields below are absent when nothing runs.
    package var pid: Int32?
    package var state: RunRecord.State?
    package var url: String?
    package var processes: [Process]?
    package var queues: [Queue]?
    /// Those without a decision; absent where they cannot be counted.
    package var openDeadLetters: Int?
    /// What could not be determined.
    package var troubles: [String]?

    package init(
        running: Bool, pid: Int32? = nil, state: RunRecord.State? = nil, url: String? = nil, processes: [Process]? = nil,
        queues: [Queue]? = nil, openDeadLetters: Int? = nil, troubles: [String]? = nil
    ) {
        self.running = running
        self.pid = pid
        self.state = state
        self.url = url
        self.processes = processes
        self.queues = queues
        self.openDeadLetters = openDeadLetters
        self.troubles = troubles
    }

    package static let nothing = StatusReport(running: false)

    /// Whether everything that should run is ready and lacks nothing, and everything could be checked.
    package var isWell: Bool {
        running && state == .ready && (processes ?? []).allSatisfy(\.health.isWell) && (troubles ?? []).isEmpty
    }
}

extension StatusReport {
    package func text(_ paint: Paint) -> String {
        guard running else { return "Nothing runs in this folder; wharf-dev up starts everything." }
        var blocks = ["\(paint.bold(url ?? "")) \(headline(paint)), wharf-dev up is process \(pid ?? 0)"]
        let processes = (processes ?? []).map { process in
            [
                process.name, process.health.state.text, process.health.port.map(String.init) ?? "", "\(process.pid)", process.uptimeSeconds.map(Self.time) ?? "ended",
                process.residentBytes.map { "\($0 >> 20) MiB" } ?? "", process.restarts == 0 ? "" : "\(process.restarts)",
            ]
        }
        blocks.append(Self.table(["process", "health", "admin port", "pid", "uptime", "memory", "restarts"], processes, paint))
        if let queues {
            blocks.append(Self.table(["queue", "messages", "consumers"], Self.rows(queues), paint))
        }
        let letters = openDeadLetters.map { $0 == 0 ? paint.good("0") : paint.bad("\($0)") }
        blocks.append("Open dead letters: \(letters ?? Self.unknown)")
        blocks += (self.processes ?? []).filter { !$0.health.isWell || $0.health.detail != nil }.map { process in
            paint.bad("\(process.name) is \(process.health.state.text)" + (process.health.detail.map { ": \($0)" } ?? ""))
        }
        blocks += (troubles ?? []).map { paint.bad($0) }
        return blocks.joined(separator: "\n\n")
    }

    private func headline(_ paint: Paint) -> String {
        guard let state else { return "" }
        guard state == .ready else { return state.rawValue }
        return isWell ? paint.good("ready") : paint.bad("degraded")
    }

    /// The rungs of the retry ladder are many and mostly empty: they take one line, and one more for each that holds messages.
    private static func rows(_ queues: [Queue]) -> [[String]] {
        let ladder = queues.filter { QueueNames.isRung($0.name) }
        let others = queues.filter { !QueueNames.isRung($0.name) }
        let shown = others + ladder.filter { $0.messages != 0 }
        let known = ladder.compactMap(\.messages)
        let sum = ladder.isEmpty ? [] : [["retry ladder", known.count < ladder.count ? unknown : "\(known.reduce(0, +))", ""]]
        return shown.map { queue in
            if queue.isMissing == true { return [queue.name, "missing", ""] }
            return [queue.name, queue.messages.map(String.init) ?? unknown, queue.consumers.map(String.init) ?? unknown]
        } + sum
    }

    private static let unknown = "?"

    /// The first column is text, the others are aligned on the right.
    private static func table(_ titles: [String], _ rows: [[String]], _ paint: Paint) -> String {
        let widths = titles.indices.map { column in ([titles] + rows).map { $0[column].count }.max() ?? 0 }
        func line(_ cells: [String]) -> String {
            cells.enumerated().map { column, cell in
                let space = String(repeating: " ", count: widths[column] - cell.count)
                return column == 0 ? cell + space : space + cell
            }.joined(separator: "  ")
        }
        return ([paint.dim(line(titles))] + rows.map(line)).joined(separator: "\n")
    }

    private static func time(_ seconds: Int) -> String {
        switch seconds {
        case ..<60: "\(seconds) s"
        case ..<3600: "\(seconds / 60) min \(seconds % 60) s"
        default: "\(seconds / 3600) h \(seconds % 3600 / 60) min"
        }
    }
}

extension StatusReport.Health.State {
    fileprivate var text: String { self == .notReady ? "not ready" : rawValue }
}
