import Logging
import Messaging
import Runtime

/// Writes each event as one line.
struct LineLogHandler: LogHandler {
    let label: String
    let layout: any LogLayout
    let output: LogOutput
    let clock: any WallClock

    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?
    var logLevel: Logger.Level

    init(
        label: String, level: Logger.Level, layout: any LogLayout, output: LogOutput, clock: any WallClock,
        metadataProvider: Logger.MetadataProvider?
    ) {
        self.label = label
        self.layout = layout
        self.output = output
        self.clock = clock
        self.metadataProvider = metadataProvider
        logLevel = level
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// The closer to the source, the higher the precedence: the event's own metadata, the provider's, the logger's.
    func log(event: LogEvent) {
        var all = metadata
        if let provided = metadataProvider?.get() { all.merge(provided) { $1 } }
        if let own = event.metadata { all.merge(own) { $1 } }
        if let error = event.error {
            all["error.message"] = "\(error)"
            all["error.type"] = "\(type(of: error))"
        }
        let record = LogRecord(
            at: clock.now(), level: event.level, label: label, message: event.message.description, metadata: all)
        output.write(layout.line(for: record))
    }
}
