public import Logging
import Messaging
public import Runtime

/// The format of log lines.
public enum LogFormat: String, Sendable, CaseIterable {
    /// For human readers; in colour on a terminal.
    case text
    /// For machines: JSON with the field names of the Elastic Common Schema.
    case ecs
}

/// Makes the log handlers of this process: `LoggingSystem.bootstrap(handlers.make)`.
public struct LogHandlers: Sendable {
    private let level: Logger.Level
    private let layout: any LogLayout
    private let output: LogOutput
    private let clock: any WallClock

    /// - Parameters:
    ///   - format: nil for `text` on a terminal and `ecs` elsewhere.
    ///   - service: names this process in ECS lines.
    ///   - isColoured: nil for colours on a terminal only.
    public init(
        format: LogFormat? = nil, level: Logger.Level = .info, service: String, output: LogOutput = .standardError,
        isColoured: Bool? = nil, clock: any WallClock = SystemClock()
    ) {
        self.level = level
        self.output = output
        self.clock = clock
        layout =
            switch format ?? (output.isTerminal ? .text : .ecs) {
            case .text: TextLayout(isColoured: isColoured ?? output.isTerminal)
            case .ecs: ECSLayout(service: service)
            }
    }

    /// A handler for the logger with this label.
    public func make(label: String) -> any LogHandler {
        make(label: label, metadataProvider: nil)
    }

    /// The same, for `LoggingSystem.bootstrap(_:metadataProvider:)`.
    public func make(label: String, metadataProvider: Logger.MetadataProvider?) -> any LogHandler {
        LineLogHandler(
            label: label, level: level, layout: layout, output: output, clock: clock, metadataProvider: metadataProvider)
    }
}
