@echo off
rem Removes the API from the Fooocus that this folder lies next to or in; history and images stay. A double click is enough.
setlocal EnableExtensions DisableDelayedExpansion
set "GIVEN=%~f1"
set "PYTHON="
if not exist "%~dp0installer\find_python.bat" echo This file is alone: unpack the whole ZIP first, then start it there.
if not exist "%~dp0installer\find_python.bat" goto :failed
rem Of a share, pushd makes a drive that is there until popd. Python may lie on it, so popd comes after Python.
set "FROM=%CD%"
pushd "%~dp0"
call installer\find_python.bat
cd /d "%FROM%" 2>nul
if not defined PYTHON goto :failed
rem Nothing can delete the folder that Command Prompt stands in.
for %%P in ("%~dp0..") do if /i "%%~nxP"=="extensions" cd /d "%TEMP%"
rem The end is on the same line, so that it is read before an uninstall deletes this file.
"%PYTHON%" -s "%~dp0install.py" --uninstall %* & if errorlevel 0 if not errorlevel 1 (popd 2>nul & echo. & echo It worked. & (if not defined FOOOCUS_API_NO_PAUSE pause) & exit /b 0)
:failed
popd 2>nul
echo.
echo It did not work: the lines above say why.
if not defined FOOOCUS_API_NO_PAUSE pause
exit /b 1
