// The interface of the servers includes their processes.
@_exported import Processes
