import Logging

/// Shows what libraries log, from `notice` on, as lines of the console.
package struct ConsoleLogHandler: LogHandler {
    package let console: Console
    package var logLevel = Logger.Level.notice
    package var metadata = Logger.Metadata()

    package init(_ console: Console) {
        self.console = console
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        let all = metadata.merging(event.metadata ?? [:]) { $1 }
        let details = all.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
        console.line(console.paint.dim("\(event.level): \(event.message)\(details)"))
    }
}
