# Completion of mcp(1) for fish.

# The attributes that the comma list at the cursor does not hold yet, each
# behind what stands there already.
function __mcp_attributes
    set -l names mode ownership timestamps links xattr context all
    set -l texts 'Permission bits and access control lists' 'Owner and group' \
        'Access and modification times' 'Hard links between the copied files' \
        'Extended attributes' 'SELinux label' 'All of these'
    set -l list (commandline -ct | string replace -r -- '^--[^=]*=' '')
    set -l head (string replace -rf -- '[^,]*$' '' "$list")
    for i in (seq (count $names))
        contains -- $names[$i] (string split , -- "$head")
        or printf '%s%s\t%s\n' "$head" $names[$i] $texts[$i]
    end
end

function __mcp_directories
    set -l token (commandline -ct | string replace -r -- '^--[^=]*=|^-[abdfHilLnPpRrsTuvxZ]*t' '')
    __fish_complete_directories "$token" Directory
end

set -l when "auto\t'Where it serves' always\t'In any case' never\t'Not at all'"

complete -c mcp -s a -l archive -d 'Copy trees with all attributes'
complete -c mcp -l attributes-only -d 'Copy no data, only attributes'
complete -c mcp -s b -d 'Rename existing files, not overwrite them'
complete -c mcp -l backup -f -d 'Rename existing files, not overwrite them' -a "
    none\t'No backups'
    off\t'No backups'
    simple\t'Name and suffix'
    never\t'Name and suffix'
    existing\t'Numbered where there are such, else simple'
    nil\t'Numbered where there are such, else simple'
    numbered\t'name.~1~ and so on'
    t\t'name.~1~ and so on'"
complete -c mcp -l cache -x -a "keep\t'As the system likes' drop\t'Behind the copy'" -d 'What is copied in the page cache'
complete -c mcp -l copy-contents -d 'With -R, copy the contents of special files'
complete -c mcp -s d -d 'Same as --no-dereference --preserve=links'
complete -c mcp -l debug -d 'Say how each file is copied'
complete -c mcp -l dirty-bytes -x -d 'Memory that may wait to be written back (K, M, G, T)'
complete -c mcp -s f -l force -d 'Replace files that cannot be opened for writing'
complete -c mcp -s H -d 'Follow symbolic links among the operands only'
complete -c mcp -s i -l interactive -d 'Ask before overwriting'
complete -c mcp -l keep-directory-symlink -d 'Copy through symbolic links to directories'
complete -c mcp -s l -l link -d 'Make hard links instead of copies'
complete -c mcp -s L -l dereference -d 'Follow every symbolic link in a source'
complete -c mcp -s n -l no-clobber -d 'Leave existing files as they are'
complete -c mcp -s P -l no-dereference -d 'Copy symbolic links as links'
complete -c mcp -l parents -d 'Copy to DIRECTORY/SOURCE, with the whole path'
complete -c mcp -s p -d 'Same as --preserve=mode,ownership,timestamps'
complete -c mcp -l preserve -f -a '(__mcp_attributes)' -d 'Keep these attributes'
complete -c mcp -l no-preserve -x -a '(__mcp_attributes)' -d 'Do not keep these attributes'
complete -c mcp -s R -s r -l recursive -d 'Copy directories and all in them'
complete -c mcp -l reflink -f -a $when -d 'Clone regular files'
complete -c mcp -l remove-destination -d 'Remove each existing file before copying to it'
complete -c mcp -s s -l symbolic-link -d 'Make symbolic links instead of copies'
complete -c mcp -s S -l suffix -x -d 'Make backups, simple ones with this suffix'
complete -c mcp -l sparse -x -a $when -d 'Make holes in the copy'
complete -c mcp -l strip-trailing-slashes -d 'Take slashes off the end of each source'
complete -c mcp -s t -l target-directory -x -a '(__mcp_directories)' -d 'Copy every operand into this directory'
complete -c mcp -s T -l no-target-directory -d 'Take DEST for the very name of the copy'
complete -c mcp -s u -d 'Skip files not newer than their destination'
complete -c mcp -l update -f -d 'Which existing files are overwritten' -a "
    all\t'All of them'
    none\t'None; they are skipped'
    none-fail\t'None; they are reported as failed'
    older\t'Those that are older'"
complete -c mcp -s v -l verbose -d 'Write a line for each file'
complete -c mcp -s x -l one-file-system -d 'Stay on the file system of each source'
complete -c mcp -s Z -d 'Set the SELinux label that the policy has'
complete -c mcp -l context -f -d 'Set the SELinux label'
complete -c mcp -s j -l workers -x -a "auto\t'One for each usable processor' 1 2 4 8 16 32 64 128 256" -d 'Number of workers'
complete -c mcp -l hand-over -x -a 'yes no' -d 'Let the reader of a FIFO fetch the file itself'
complete -c mcp -l keep-partial -d 'Keep what there is of a stream that failed'
complete -c mcp -l method -x -d 'Insist on one way of moving data' -a "
    auto\t'What serves the file best'
    mmap\t'Mapped source to mapped destination'
    range\t'copy_file_range(2)'
    rw\t'read(2) and write(2)'
    clone\t'Share the blocks of the source'"
complete -c mcp -l mkfifo -d 'Make the FIFO, and remove it at the end'
complete -c mcp -l open-timeout -x -d 'Seconds to wait for the other end of a FIFO'
complete -c mcp -l receipt -x -a 'auto require off' -d 'Have the ends of a FIFO tell each other how it went'
complete -c mcp -l stream -x -a 'auto require' -d 'Insist on a FIFO, pipe or device'
complete -c mcp -l progress -f -a $when -d 'Show progress'
complete -c mcp -l rate -x -d 'Bytes a second that all may move (K, M, G, T)'
complete -c mcp -l stats -d 'Write a summary at the end'
complete -c mcp -l wait-durable -d 'Wait until the reader of a FIFO has synced'
complete -c mcp -l help -f -d 'Show a summary of the options'
complete -c mcp -l version -f -d 'Show name and version'
